#pragma once

#include "targets/lab/config.hpp"
#include "targets/lab/supervisor_children.hpp"
#include "targets/lab/supervisor_holds.hpp"
#include "targets/lab/supervisor_lifted.hpp"
#include "targets/lab/topology.hpp"
#include "targets/net/fd.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace faultline::lab {

/// The processes of the environment. Nothing here restarts a component but letting go of the hold
/// that killed it.
class Components {
 public:
  /// `by_fault`: an action held it dead when it ended. A node that is to be reclaimed is held dead
  /// from SIGTERM on, so what kills it during its notice is a crash.
  using OnDeath = std::function<void(const std::string& name, bool by_fault, const Exit& exit)>;

  /// `logs`: an open folder, because a mount may cover its path.
  Components(Children& children, const Topology& topology, Places places, net::Fd logs,
             Lifted lifted);

  /// Listeners are called in the order in which they came.
  void on_death(OnDeath listener) { on_death_.push_back(std::move(listener)); }

  /// Writes every component's files and folders: once, since a machine that starts again finds its
  /// disk as it was.
  Result<> prepare(const std::filesystem::path& database_template);
  Result<> start(const std::string& name);

  /// `done` when the component is in the state that its holds ask for.
  void hold(const std::string& name, const std::string& action, Hold hold,
            targets::Done<void> done);
  /// After an error the hold is as it was, so that letting go can be tried again. Error `conflict`
  /// when somebody else has started a process where the component would listen.
  void let_go(const std::string& name, const std::string& action, targets::Done<void> done);
  /// Asks the component to end (SIGTERM), held dead from now on; returns whether it was alive.
  bool terminate(const std::string& name, const std::string& action);

  [[nodiscard]] bool knows(const std::string& name) const { return table_.contains(name); }
  /// As the kernel says, not as the holds ask.
  [[nodiscard]] targets::ProcessState state(const std::string& name) const;
  [[nodiscard]] int pid(const std::string& name) const;  ///< 0 when dead
  /// Its log, open for reading.
  [[nodiscard]] net::Fd open_log(const std::string& name) const;
  /// The last line that the component has logged.
  [[nodiscard]] std::string last_words(const std::string& name) const;

 private:
  struct Entry {
    const Process* process = nullptr;
    std::vector<std::string> argv;
    pid_t pid = 0;
    pid_t last_group = 0;  // of its latest process; some of it may end a moment after that
    bool started_before = false;
    std::vector<std::function<void()>> when_dead;
  };

  /// Error `conflict` when a process that is not the component's listens where it would.
  [[nodiscard]] Result<> place_is_free(const Entry& entry) const;
  Result<> take_steps(const std::string& name, bool may_start);
  Result<> take_step(const std::string& name, ProcessStep step);
  void exited(const std::string& name, const Exit& exit);

  Children& children_;
  const Topology& topology_;
  Places places_;
  net::Fd logs_;
  std::map<std::string, Entry> table_;
  ProcessHolds holds_;
  Lifted lifted_;
  std::vector<OnDeath> on_death_;
};

}  // namespace faultline::lab
