#pragma once

#include "targets/lab/database/child.hpp"
#include "targets/lab/database/node_data.hpp"
#include "targets/lab/database/server_options.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>

namespace faultline::database {

/// The machine of one node: keeps its data and runs its server. `run` owns the server's life on one
/// thread that never ends before the program; the other calls may come from any thread and wait
/// until it has done what they ask.
class Machine {
 public:
  using Log = std::function<void(const std::string&)>;
  Machine(Server server, const std::filesystem::path& source, Log log);

  struct State {
    bool running = false;
    std::chrono::milliseconds up{};  ///< since the server was started
    int server_id = 0;
  };

  /// Puts the data there when there is none, starts the server, then does what is asked, for ever.
  /// Returns only when the first start fails: error `io`.
  Error run();

  State state();
  /// The last end of a server that neither `kill` nor `reclone` brought about. Never waits for what
  /// takes long: while something is being done it tells what was known before.
  std::optional<Loss> lost();
  Result<> kill();     ///< SIGKILL of the server; nothing when it does not run
  Result<> start();    ///< nothing when it runs; data when there is none
  Result<> reclone();  ///< kill, fresh data from the template, a new identity, start

 private:
  enum class Ask { none, state, kill, start, reclone };
  Result<> ask(Ask what);
  Result<> have_done(Ask what);  ///< for who holds `one_at_a_time_`
  void look();                   ///< whether the server ended by itself
  Result<> obey(Ask what);
  Result<> launch();

  Server server_;
  NodeData data_;
  const Log log_;
  KeptChild child_;
  std::chrono::steady_clock::time_point launched_;

  std::mutex one_at_a_time_;  ///< held by the caller that waits for its answer
  std::mutex mutex_;
  std::condition_variable changed_;
  bool started_ = false;  ///< the first start is over
  Ask asked_ = Ask::none;
  std::optional<Result<>> answer_;
  State state_;
  std::optional<Loss> lost_;
};

}  // namespace faultline::database
