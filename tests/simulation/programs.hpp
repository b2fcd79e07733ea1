#pragma once

#include "orchestrator/engine/run.hpp"
#include "orchestrator/guard/guard_life.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/sim_target.hpp"

namespace faultline::simulation {

using Told = std::function<void(const std::string& who, const std::string& what)>;

/// Puts back what the platters hold, as the guard and the next start do.
class Recoverer {
 public:
  Recoverer(World& world, Platters& platters, int connection, std::string who, Told told);

  Process& process() { return process_; }
  SimTarget& target() { return target_; }
  void recover(std::function<void(bool complete, bool nothing_open)> done);
  void kill();

 private:
  void next(std::vector<engine::OpenRun> runs, bool complete);

  World& world_;
  Platters& platters_;
  Process process_;
  SimTarget target_;
  std::string who_;
  Told told_;
  int connection_;
  std::unique_ptr<SimJournal> journal_;
  std::function<void(bool, bool)> done_;
};

/// `faultline guard`.
class Guard {
 public:
  Guard(World& world, Platters& platters, int connection, Told told);

  void attach();
  /// Answers whether it still is the orchestrator's guard.
  void beat(std::function<void(bool)> answer);
  void lost() { feed(guard::GuardLife::Lost{1}); }
  void detach() { feed(guard::GuardLife::Detached{1}); }
  void kill() { recoverer_.kill(); }
  [[nodiscard]] bool alive() { return recoverer_.process().alive(); }
  Recoverer& recoverer() { return recoverer_; }

 private:
  void look();
  void feed(const guard::GuardLife::Event& event);
  void run(const guard::GuardLife::Answer& c) { (void)c; }
  void run(const guard::GuardLife::Relieve& c) { (void)c, relieved_ = true; }
  void run(const guard::GuardLife::Recover& c);
  void run(const guard::GuardLife::GiveUp& c) { (void)c; }
  void run(const guard::GuardLife::Exit& c) { (void)c; }

  Recoverer recoverer_;
  Told told_;
  guard::GuardLife life_;
  bool relieved_ = false;
  std::unique_ptr<Timer> timer_;
};

/// `faultline run`, with its guard when it has one.
class Orchestrator {
 public:
  struct Options {
    const engine::Environment& environment;
    const engine::Experiment& experiment;
    std::string id = "r1";
    Guard* guard = nullptr;  ///< none: nobody watches
    int disk_fails_percent = 0;
    Duration wait_for_owner{};
    Trouble trouble{};
    std::function<std::string()> halted{};
  };
  Orchestrator(World& world, Platters& platters, int connection, Options options, Told told);

  void start();
  /// Another guard, in place of one that died.
  void attach(Guard& guard);
  void kill();
  void abort(const std::string& reason);
  Process& process() { return process_; }
  SimTarget& target() { return target_; }
  [[nodiscard]] const std::optional<engine::RunResult>& result() const { return result_; }
  [[nodiscard]] const std::string& phase() const { return phase_; }
  [[nodiscard]] Instant begun() const { return begun_; }

 private:
  void beat();

  World& world_;
  Process process_;
  SimTarget target_;
  SimJournal journal_;
  int connection_;
  Options options_;
  Told told_;
  std::optional<Instant> answered_;
  std::unique_ptr<Timer> beat_;
  const Instant begun_;
  std::string phase_;
  std::optional<engine::RunResult> result_;
  std::unique_ptr<engine::Run> run_;
};

}  // namespace faultline::simulation
