#include "tests/simulation/scenario.hpp"
#include "tests/simulation/verdict.hpp"
#include "tests/simulation/watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <list>

/// Plays one script, and looks whether all that Faultline promises held.
namespace faultline::simulation {

using namespace std::chrono_literals;
namespace {

constexpr Duration patience = 15min;  // of virtual time: every limit of a run in a row is less
/// In calm weather nothing is in force so long after an abort: each answer comes within 5 ms.
constexpr Duration abort_takes = 500ms;
constexpr Duration stop_file_seen = 250ms;  // it is looked for five times a second

constexpr auto first_run = "r1", second_run = "r2";

/// The second one's script.
Script script_of(const std::optional<Rival>& rival) {
  Script script;
  if (rival) {
    script.steps = alone(rival->fault);
  }
  return script;
}

class Play {
 public:
  Play(const Script& script, const Told& told)
      : script_(script),
        told_([this, told](const std::string& who, const std::string& what) {
          if (told) {
            told(fmt::format("{:9.3f} {}", to_ms(clock_.now() - begun_) / 1000, who), what);
          }
        }),
        dice_(script.seed),
        world_(clock_, dice_, script.weather),
        environment_(environment(script.measured)),
        experiment_(experiment(script)),
        rival_script_(script_of(script.rival)),
        rival_environment_(environment(std::nullopt)),
        rival_experiment_(experiment(rival_script_)),
        watch_(world_, environment_.guardrails.concurrent_faults,
               [this](const std::string& what) { broken(what); }) {
    watch_.add(first_run, platters_.own);
    watch_.add(second_run, rival_platters_.own);
    watch_.is_owned = [this] { return first_has_the_lock(); };
    world_.on_notice = [this](const targets::Notice& notice) {
      told_("world", notice.name);
      orchestrator_->target().hear(notice);
      if (rival_) {
        rival_->target().hear(notice);
      }
    };
    world_.on_step = [this](const std::string& name) { step(name); };
  }

  Outcome run() {
    guards_.emplace_back(world_, platters_, ++connections_, told_);
    orchestrator_.emplace(
        world_, platters_, ++connections_,
        Orchestrator::Options{
            .environment = environment_,
            .experiment = experiment_,
            .id = first_run,
            .guard = &guards_.back(),
            .disk_fails_percent = script_.disk_fails_percent,
            .trouble = script_.measured ? script_.measured->trouble : Trouble{},
            .halted = [this] { return stop_file_at_ ? std::string(stop_file) : ""; }},
        told_);
    orchestrator_->start();
    arrange_mishap();
    arrange_rival();
    if (!pass([this] { return killed_ || orchestrator_->result(); })) {
      broken("the run never ended");
    } else if (!killed_) {
      check_result();
    }
    after();
    return std::move(outcome_);
  }

 private:
  static constexpr auto stop_file = "stopped by a file";

  void broken(const std::string& what) {
    told_("BROKEN", what);
    outcome_.broken.push_back(what);
  }

  /// Lets everybody act until `over`.
  bool pass(const std::function<bool()>& over, Duration limit = patience) {
    const auto end = clock_.now() + limit;
    while (clock_.now() < end) {
      settle();
      if (over()) {
        return true;
      }
      if (!clock_.step()) {
        return false;
      }
    }
    return false;
  }
  void settle() {
    orchestrator_->process().run();
    for (auto& guard : guards_) {
      guard.recoverer().process().run();
    }
    if (rival_) {
      rival_->process().run();
    }
    for (auto& start : next_starts_) {
      start.process().run();
    }
  }

  void step(const std::string& name) {
    const auto number = outcome_.steps++;
    if (script_.mishap.at_step == number && !killed_ && !orchestrator_->result()) {
      outcome_.last_step = name;
      happen(name);
    }
  }
  void arrange_mishap() {
    if (script_.mishap.at_step || script_.mishap.kind == Mishap::Kind::none) {
      return;
    }
    mishap_ = clock_.at(clock_.now() + script_.mishap.at, [this] {
      if (!orchestrator_->result()) {
        happen("a moment");
      }
    });
  }
  /// The mishap, in a run that has not ended.
  void happen(const std::string& where) {
    using Kind = Mishap::Kind;
    const auto kind = script_.mishap.kind;
    told_("mishap", fmt::format("{} at: {}", to_string(kind), where));
    if (kind == Kind::kill) {
      kill();
    } else if (kind == Kind::hang) {
      hang(script_.mishap.hangs_for);
    } else if (kind == Kind::abort) {
      spoiled_ = asked_to_stop_ = "aborted by the simulation";
      orchestrator_->abort(asked_to_stop_);
      promise_end(abort_takes, "after the abort");
    } else if (kind == Kind::stop_file) {
      stop_file_at_ = clock_.now();
      asked_to_stop_ = stop_file;
      promise_end(stop_file_seen + abort_takes, "although there is a STOP file");
    } else if (kind == Kind::clock_set) {
      clock_.set_by += 1h;
      spoil_time("the clock was set");
    } else if (kind == Kind::component_dies) {
      spoiled_ = "a component died";
      world_.on_notice({clock_.now(), "component_died", {{"component", "b-reserved"}}});
    } else if (kind == Kind::lifted) {
      const bool was = watch_.in_force(first_run);
      spoiled_ = world_.lift() && was ? "somebody undid a fault" : "";
    }
  }

  void kill() {
    killed_ = true;
    if (script_.mishap.guard_dies_too || script_.recovered_by != RecoveredBy::guard) {
      guards_.back().kill();
    }
    orchestrator_->kill();
  }

  void hang(Duration length) {
    orchestrator_->process().stop();
    spoil_time("it stood still");
    promise_ = clock_.at(clock_.now() + guard::GuardLife::lease + 1s, [this] {
      const bool watched = guards_.back().alive() && orchestrator_->process().stopped();
      if (watched && calm() && watch_.in_force(first_run)) {
        broken("1 s after the lease of a hanging orchestrator a fault is in force, with a guard");
      }
    });
    if (script_.mishap.guard_dies_too) {
      guards_.back().kill();
    }
    wakes_ = clock_.at(clock_.now() + length, [this] {
      told_("mishap", "continued");
      orchestrator_->process().go_on();
      if (!guards_.back().alive()) {  // its link notices, and starts another
        guards_.emplace_back(world_, platters_, ++connections_, told_);
        orchestrator_->attach(guards_.back());
      }
    });
  }

  void promise_end(Duration within, const std::string& why) {
    if (calm()) {
      watch_.forbid(first_run, clock_.now() + within, why);
    }
  }
  /// Where the time is part of what is measured, and a look at it still comes.
  void spoil_time(const std::string& how) {
    const auto& phase = orchestrator_->phase();
    if (script_.measured && (phase == "baseline" || phase == "method" || phase == "recover")) {
      spoiled_ = how;
    }
  }

  void arrange_rival() {
    if (!script_.rival) {
      return;
    }
    rival_comes_ = clock_.at(clock_.now() + script_.rival->at, [this] {
      told_("mishap", "a second orchestrator comes");
      rival_.emplace(world_, rival_platters_, ++connections_,
                     Orchestrator::Options{.environment = rival_environment_,
                                           .experiment = rival_experiment_,
                                           .id = second_run,
                                           .wait_for_owner = script_.rival->waits},
                     told_);
      rival_->start();
    });
  }
  /// Surely: nothing has happened by which it could have lost it.
  bool first_has_the_lock() {
    return calm() && !killed_ && script_.mishap.kind != Mishap::Kind::hang &&
           !orchestrator_->result() && orchestrator_->phase() != "report" &&
           watch_.owner().starts_with(fmt::format("run {}", first_run));
  }

  /// Of the run that came to its own end.
  void check_result() {
    if (stop_file_at_ && clock_.now() - *stop_file_at_ > stop_file_seen) {
      spoiled_ = "there was a STOP file";
    }
    check(*orchestrator_, {.begun = orchestrator_->begun(),
                           .measured = script_.measured.has_value(),
                           .in_force = watch_.ever_in_force(first_run),
                           .asked_to_stop = asked_to_stop_,
                           .spoiled = spoiled_,
                           .traffic = orchestrator_->target().traffic()});
    const auto& record = orchestrator_->result()->record;
    const auto how = record.value("verdict", "");
    outcome_.ends.push_back(how + (script_.measured ? ", measured" : ""));
    if (record.value("reason", "").starts_with("stop condition met")) {
      outcome_.ends.push_back(how + " by a stop condition");
    }
  }
  void check(const Orchestrator& of, const Truth& truth) {
    const auto& result = *of.result();
    for (const auto& what : contradictions(result, truth)) {
      broken(what);
    }
    const auto run = result.record.value("id", "");
    if (result.exit_code != 5 && watch_.in_force(run)) {
      broken(fmt::format("{} ended with exit code {}, and something of it is in force", run,
                         result.exit_code));
    }
  }

  /// Nothing of the target's stands in the way of a promise about time.
  [[nodiscard]] bool calm() const {
    const auto& w = script_.weather;
    return w.refused + w.lost_request + w.lost_answer + w.slow + w.hangs == 0;
  }

  /// Whatever the run left is put back by whoever is there.
  void after() {
    const bool by_guard = killed_ && guards_.back().alive() && !script_.rival;
    const auto gone = [this] { return !watch_.in_force(first_run); };
    if (by_guard && calm() && !pass(gone, 1s)) {
      broken("1 s after the death of its orchestrator a fault is in force, with a guard");
    }
    // With nobody left, the target's own leases end everything: 10 s, and its tries.
    if (!pass(gone, 30s)) {
      broken("30 s after its orchestrator a fault is in force");
    }
    if (script_.rival) {
      end_rival();
    }
    if (script_.recovered_by != RecoveredBy::deadline) {
      (void)pass([] { return false; }, 3min);  // the guard, in any weather
      recover(platters_);
      if (script_.rival) {
        recover(rival_platters_);
      }
    }
    if (!world_.in_force().empty()) {
      broken("in force after recovery: " + world_.in_force().begin()->first);
    }
    (void)pass([] { return false; }, 1min);  // those that act in the dark come to their end
    if (!orchestrator_->result()) {
      broken("the killed orchestrator's memory is not free");
    }
  }

  void end_rival() {
    if (!pass([this] { return rival_ && rival_->result(); })) {
      return broken("the second run never ended");
    }
    check(*rival_, {.begun = rival_->begun(),
                    .in_force = watch_.ever_in_force(second_run),
                    .asked_to_stop = "",
                    .spoiled = "",
                    .traffic = rival_->target().traffic()});
    const auto& record = rival_->result()->record;
    const auto& events = record["events"];
    if (calm() && std::any_of(events.begin(), events.end(),
                              [](const auto& event) { return event["name"] == "stop"; })) {
      broken("the second run was told to stop, for what befell the first: " +
             record["reason"].dump());
    }
    if (!pass([this] { return !watch_.in_force(second_run); }, 30s)) {
      broken("30 s after the second run something of it is in force");
    }
    const bool refused = record["reason"].dump().find("owned by") != std::string::npos;
    if (refused || !watch_.ever_in_force(second_run).empty()) {
      outcome_.ends.push_back(refused ? "a second run that was refused"
                                      : "a second run that had its turn");
    }
  }

  void recover(Platters& platters) {
    next_starts_.emplace_back(world_, platters, ++connections_, "next start", told_);
    bool complete = open_runs(platters).empty();
    for (int attempt = 0; attempt < 5 && !complete; ++attempt) {
      bool over = false;
      next_starts_.back().recover([&](bool all, bool) {
        complete = all;
        over = true;
      });
      if (!pass([&] { return over; })) {
        return broken("the next start's recovery never ended");
      }
    }
    (void)pass([] { return false; }, 1s);  // its last record is on its way to the disk
    if (!complete || !open_runs(platters).empty()) {
      broken("the journal still holds open faults after recovery");
    }
  }

  const Script& script_;
  fake::ManualClock clock_;
  const Instant begun_ = clock_.now();
  Told told_;
  Outcome outcome_;
  Dice dice_;
  World world_;
  Platters platters_, rival_platters_;
  const engine::Environment environment_;
  const engine::Experiment experiment_;
  const Script rival_script_;
  const engine::Environment rival_environment_;
  const engine::Experiment rival_experiment_;
  Watch watch_;
  int connections_ = 0;
  bool killed_ = false;
  std::string asked_to_stop_, spoiled_;
  std::optional<Instant> stop_file_at_;
  std::list<Guard> guards_;
  std::list<Recoverer> next_starts_;
  std::optional<Orchestrator> orchestrator_, rival_;
  std::unique_ptr<Timer> mishap_, promise_, wakes_, rival_comes_;
};

}  // namespace

Outcome play(const Script& script, const Told& told) {
  return Play(script, told).run();
}

}  // namespace faultline::simulation
