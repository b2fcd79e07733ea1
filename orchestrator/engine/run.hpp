#pragma once

#include "orchestrator/engine/arrivals.hpp"
#include "orchestrator/engine/environment.hpp"
#include "orchestrator/engine/fault_runner.hpp"
#include "orchestrator/engine/fiber.hpp"
#include "orchestrator/engine/machine_watch.hpp"
#include "orchestrator/engine/monitored.hpp"
#include "orchestrator/engine/objectives.hpp"
#include "orchestrator/engine/probes.hpp"
#include "orchestrator/engine/recovery_steps.hpp"
#include "orchestrator/engine/residue.hpp"
#include "orchestrator/engine/run_life.hpp"
#include "orchestrator/engine/stop_conditions.hpp"
#include "orchestrator/engine/time_watch.hpp"
#include "orchestrator/engine/usage.hpp"

#include <memory>

namespace faultline::engine {

/// What a run needs; everything outlives it.
struct RunInputs {
  const Environment& environment;
  const Experiment& experiment;
  targets::Target& target;
  store::Journal& journal;
  Clock& clock;
  boost::asio::any_io_executor executor;
  std::string id;
  std::string operator_name;
  std::vector<Approval> approvals = {};  ///< given when the run was started
  std::string profile;
  std::uint64_t seed = 1;
  Duration wait_for_owner{};  ///< how long to wait for an environment that another run holds
  bool measure = true;        ///< false: no load and no steady state, as in `faultline inject`
  /// Everything but the faults: each inject returns at once, and nothing has happened. What fails
  /// then would fail falsely in a drill. An alert is expected to stay quiet.
  bool without_faults = false;
  prometheus::Source* prometheus = nullptr;  ///< that watches the environment; nullptr: none
  Timeline::Sink on_event;
  /// Whether somebody would put everything back if this process died now. May be none: nobody.
  std::function<bool()> guarded = {};
  /// Why nothing may be in force now, asked five times a second; empty: go on. May be none.
  std::function<std::string()> halted = {};
};

struct RunResult {
  Json record;
  int exit_code = 3;
  bool all_closed = false;  ///< nothing of it is open in the journal
};

/// One execution of an experiment: carries out what RunLife decides. All on one executor.
class Run : private Stage {
 public:
  explicit Run(RunInputs inputs);
  ~Run() override;
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  /// `done` is called once, when everything is put back or known not to be.
  void start(std::function<void(RunResult)> done);
  /// From the executor. Everything in force is reverted; sticky.
  void stop(Stop why, const std::string& reason);
  /// As far as it is known. Before the end: inconclusive, unfinished.
  [[nodiscard]] Json record() const;

 private:
  static constexpr Duration tick_every = std::chrono::milliseconds(500);
  static constexpr Duration guard_limit = std::chrono::seconds(5);
  static constexpr Duration drain_limit =
      std::chrono::seconds(30);  ///< workers read back within 15 s

  /// The objectives of a phase, once all of them have been answered.
  struct Told {
    std::size_t open = 0;
    std::map<std::size_t, Objective> objectives;  ///< by their place in `steady_state`
  };

  // The steps, in run.cpp; measuring in run_measure.cpp, watching and hearing in run_watch.cpp,
  // comparing in run_residue.cpp.
  void next(RunLife::Command command);
  void heal();
  void acquire(Instant until);
  void acquired(targets::Epoch epoch);
  void wait_until_healthy(Instant limit);
  void check_requires();
  void ask_beforehand(std::vector<Expectation> left);
  void run_method();
  void spawn_method();
  void method_ended(std::exception_ptr thrown);
  void end_faults();
  void revert_all();
  void verify();
  void judge_all();
  void collect();
  [[nodiscard]] bool judged_under_fault() const;
  void doubt_what_a_busy_machine_broke();
  void report();
  [[nodiscard]] std::unique_ptr<Timer> later(Duration after, std::function<void()> then);
  /// Calls `then` once `condition` holds; asked after every change. One at a time.
  void when(std::function<bool()> condition, std::function<void()> then);
  void changed();
  void enter(const std::string& phase, std::optional<Duration> expected);
  void heartbeat();
  void tick();
  /// Looks five times a second at what may end the run.
  void pulse();
  void distrust_time(const std::string& why);
  void watch_stop_conditions();
  /// Observes the world once a second, for what its processes use.
  void watch_usage();
  void on_notice(const targets::Notice& notice);
  void hear(const targets::Notice& notice, const ToldStep& step);
  void compare(const std::function<void(FaultLife::Compared)>& done);
  void note_lasting_changes(const InvariantValues& now);
  [[nodiscard]] bool any_in_force() const;
  [[nodiscard]] bool all_closed() const;
  void add(Objective objective, const std::string& phase);
  void judge_steady_state(const std::string& phase, Instant from, Instant to, bool missing_is_doubt,
                          const Told& told);
  [[nodiscard]] std::vector<Expectation> steady_state() const;

  // What the environment's Prometheus says, in run_monitor.cpp.
  void ask(Objective objective, std::function<void(Objective)> then);
  [[nodiscard]] std::shared_ptr<Told> ask_steady_state(Instant from, Instant to);
  [[nodiscard]] Duration told_after() const;
  [[nodiscard]] Objective expect_monitored(const Expectation& expectation, Instant from,
                                           Instant to);

  // Stage, in stage.cpp: what the method may ask for.
  targets::World world() override;
  void baseline(std::optional<Duration> length, const Place& place) override;
  std::vector<FaultId> inject(const std::vector<FaultRequest>& faults) override;
  void revert(FaultId fault) override;
  void wait(Duration length) override;
  bool expect(const Expectation& expectation) override;
  void stop_when(const StopCondition& condition) override;
  void declare(const std::string& reason, const Place& place) override;
  void note(const std::string& text) override;
  void block(const std::function<bool()>& condition);
  void require_unchanged();
  void require_guard();
  void require_alone(const targets::World& seen);
  [[nodiscard]] bool fits(const std::vector<std::shared_ptr<FaultRunner>>& planned,
                          const std::vector<FaultRequest>& requests, const targets::World& seen);
  [[nodiscard]] Expectation resolved(const Expectation& expectation) const;
  [[noreturn]] void give_up(const std::string& reason);
  std::shared_ptr<FaultRunner> prepare(const FaultRequest& request, const targets::World& world,
                                       std::size_t number);

  Duration tell_expecting(const Expectation& expectation, Instant latest);
  bool settle(Objective objective);
  /// When a fault began: its first apply; without faults, when it would have been injected.
  [[nodiscard]] std::optional<Instant> begun_at(FaultId fault) const;

  [[nodiscard]] Json approvals() const;  // in record.cpp
  // In run_recovery.cpp.
  [[nodiscard]] Json recoveries() const;
  [[nodiscard]] Json recovery_of(const Objective& objective, const Probes::Measured& shows) const;
  [[nodiscard]] Json seen_elsewhere(const Objective& objective,
                                    const Probes::Measured& shows) const;
  [[nodiscard]] std::optional<slo::Backlog> backlog_of(const Probes::Measured& probe,
                                                       const Objective& objective) const;
  [[nodiscard]] std::optional<Instant> next_fault(
      const Objective& objective, const std::function<bool(std::size_t)>& counts) const;
  [[nodiscard]] std::optional<Instant> next_like(const Objective& objective,
                                                 const std::string& store) const;
  [[nodiscard]] Instant undisturbed_until(const Objective& objective) const;
  [[nodiscard]] std::vector<Instant> declared_until(Instant next_fault) const;

  RunInputs in_;
  const Environment environment_;  ///< with the experiment's own probes
  Timeline timeline_;
  RunLife life_;
  Ledger ledger_;
  Probes probes_;
  Usage usage_;
  MachineWatch machine_;
  Arrivals arrivals_;
  TimeWatch time_;
  StopConditions stop_conditions_;
  FaultPorts ports_;
  targets::Epoch epoch_ = 0;
  bool owns_ = false;
  InvariantValues before_;
  std::vector<std::shared_ptr<FaultRunner>> faults_;
  std::vector<Instant> left_out_;  ///< when faults would have been injected, without them
  std::vector<Objective> objectives_;
  std::vector<Expectation> lost_;  ///< decided when the writers have read back
  std::vector<ToldStep> told_steps_;
  std::vector<Instant> declarations_;
  std::vector<Json> phases_;
  std::string phase_name_;
  Instant phase_started_{};
  std::optional<Duration> phase_expected_;
  std::optional<Instant> measured_from_, baseline_until_;
  bool baseline_done_ = false;
  std::string cancelled_;  ///< why every call of the method throws; empty: it does not
  Fiber* fiber_ = nullptr;
  std::function<bool()> waiting_for_;
  std::function<void()> then_;
  std::string awaited_;  ///< what heal waits for, told once
  std::unique_ptr<Timer> pause_, limit_, wake_, asking_, heartbeat_, tick_, pulse_, watch_;
  std::function<void(RunResult)> done_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace faultline::engine
