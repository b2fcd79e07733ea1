#include "tests/simulation/scenario.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

/// Plays one script, and looks whether all that Faultline promises held.
namespace faultline::simulation {

using namespace std::chrono_literals;
using engine::Json;

namespace {

constexpr std::size_t most_faults = 2;  // the environment's guardrail
constexpr Duration patience = 15min;    // of virtual time: every limit of a run in a row is less

engine::Environment environment() {
  engine::Environment e;
  e.name = "simulated";
  e.staging = true;
  e.guardrails.concurrent_faults = most_faults;
  return e;
}

/// The script's steps as a method; a fault that the ledger refuses ends it, as in any script.
engine::Experiment experiment(const std::vector<Step>& steps) {
  engine::Experiment e;
  e.name = "simulated";
  e.method = [&steps](engine::Stage& stage) {
    std::vector<engine::FaultId> injected;
    for (const auto& step : steps) {
      std::vector<engine::FaultRequest> requests;
      for (const auto& fault : step.faults) {
        requests.push_back({fault.fault, fault.params, {"simulated", 1}});
      }
      if (step.kind == Step::Kind::inject) {
        const auto ids = stage.inject(requests);
        injected.insert(injected.end(), ids.begin(), ids.end());
      } else if (step.kind == Step::Kind::wait) {
        stage.wait(step.wait);
      } else {
        stage.revert(injected.at(step.revert));
      }
    }
  };
  return e;
}

std::string fault_of(const std::string& action) {
  return action.substr(0, action.rfind('.'));
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
        environment_(environment()),
        experiment_(experiment(script.steps)) {
    world_.before_apply = [this](const targets::Action& action) { coming_into_force(action); };
    world_.on_notice = [this](const targets::Notice& notice) {
      told_("world", notice.name);
      orchestrator_->target().hear(notice);
    };
    world_.on_step = [this](const std::string& name) { step(name); };
  }

  Outcome run() {
    guards_.emplace_back(world_, platters_, ++connections_, told_);
    orchestrator_.emplace(world_, platters_, ++connections_,
                          Orchestrator::Options{.environment = environment_,
                                                .experiment = experiment_,
                                                .guard = &guards_.back(),
                                                .disk_fails_percent = script_.disk_fails_percent},
                          told_);
    orchestrator_->start();
    arrange_mishap();
    if (!pass([this] { return killed_ || orchestrator_->result(); })) {
      broken("the run never ended");
    }
    if (!killed_) {
      check_result();
    }
    after();
    return std::move(outcome_);
  }

 private:
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
    if (next_start_) {
      next_start_->process().run();
    }
  }

  void coming_into_force(const targets::Action& action) {
    told_("world", "in force: " + action.id);
    if (!intended_actions(platters_.own).contains(action.id)) {
      broken(action.id + " is in force, and not in the journal");
    }
    std::set<std::string> faults{fault_of(action.id)};
    for (const auto& [id, other] : world_.in_force()) {
      faults.insert(fault_of(id));
    }
    if (faults.size() > most_faults) {
      broken(fmt::format("{} faults in force at once: {}", faults.size(), fmt::join(faults, ", ")));
    }
  }

  void step(const std::string& name) {
    const auto number = outcome_.steps++;
    if (!killed_ && script_.mishap.kind == Mishap::Kind::kill && script_.mishap.at_step == number) {
      outcome_.last_step = name;
      kill(name);
    }
  }
  void kill(const std::string& where) {
    if (killed_ || orchestrator_->result()) {
      return;
    }
    told_("mishap", "killed at: " + where);
    killed_ = true;
    if (script_.mishap.guard_dies_too || script_.recovered_by != RecoveredBy::guard) {
      guards_.back().kill();
    }
    orchestrator_->kill();
  }

  void arrange_mishap() {
    const auto& mishap = script_.mishap;
    if (mishap.at_step || mishap.kind == Mishap::Kind::none) {
      return;
    }
    mishap_ = clock_.at(clock_.now() + mishap.at, [this, &mishap] {
      if (orchestrator_->result()) {
        return;
      }
      if (mishap.kind == Mishap::Kind::kill) {
        return kill("a moment");
      }
      if (mishap.kind == Mishap::Kind::abort) {
        return orchestrator_->abort("aborted by the simulation");
      }
      hang(mishap.hangs_for);
    });
  }

  void hang(Duration length) {
    told_("mishap", "stopped for " + in_words(length));
    orchestrator_->process().stop();
    promise_ = clock_.at(clock_.now() + guard::GuardLife::lease + 1s, [this] {
      const bool watched = guards_.back().alive() && orchestrator_->process().stopped();
      if (watched && calm() && !world_.in_force().empty()) {
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

  /// Of a run that came to its own end.
  void check_result() {
    const auto& result = *orchestrator_->result();
    const auto& record = result.record;
    for (const auto* field : {"schema", "id", "verdict", "reason", "started", "finished", "phases",
                              "faults", "objectives", "recovery", "probes", "events"}) {
      if (!record.contains(field)) {
        broken(fmt::format("the record has no {}", field));
      }
    }
    const auto verdict = record.value("verdict", "");
    if ((result.exit_code == 0) != (verdict == "passed")) {
      broken(fmt::format("exit code {} with verdict {}", result.exit_code, verdict));
    }
    if (result.exit_code != 5 && !world_.in_force().empty()) {
      broken(fmt::format("exit code {}, and {} is in force", result.exit_code,
                         world_.in_force().begin()->first));
    }
    if (verdict == "passed") {
      check_pass(record);
    }
  }
  void check_pass(const Json& record) {
    if (record["faults"].empty()) {
      broken("passed, and nothing was injected");
    }
    for (const auto& fault : record["faults"]) {
      if (!fault["effect"]["proved"].get<bool>() || fault["state"] != "reverted") {
        broken(fmt::format("passed, and {} was {}, proved: {}", fault["id"].dump(),
                           fault["state"].dump(), fault["effect"]["proved"].dump()));
      }
    }
    for (const auto& event : record["events"]) {
      for (const auto* bad : {"stop", "effect_missing", "deadline_fired", "script_error"}) {
        if (event["name"] == bad) {
          broken(fmt::format("passed, with the event {}", event.dump()));
        }
      }
    }
  }

  /// Nothing of the target's stands in the way of a promise about time.
  [[nodiscard]] bool calm() const {
    const auto& w = script_.weather;
    return w.refused + w.lost_request + w.lost_answer + w.slow + w.hangs == 0;
  }

  /// Whatever the run left is put back by whoever is there.
  void after() {
    const bool by_guard = killed_ && guards_.back().alive();
    const auto nothing_in_force = [this] { return world_.in_force().empty(); };
    if (by_guard && calm() && !pass(nothing_in_force, 1s)) {
      broken("1 s after the death of its orchestrator a fault is in force, with a guard");
    }
    // With nobody left, the target's own leases end everything: 10 s, and its tries.
    if (!pass(nothing_in_force, 30s)) {
      broken("30 s after its orchestrator a fault is in force");
    }
    if (script_.recovered_by != RecoveredBy::deadline) {
      recover();
    }
    if (!nothing_in_force()) {
      broken("in force after recovery: " + world_.in_force().begin()->first);
    }
    (void)pass([] { return false; }, 1min);  // those that act in the dark come to their end
    if (!orchestrator_->result()) {
      broken("the killed orchestrator's memory is not free");
    }
  }

  void recover() {
    (void)pass([] { return false; }, 3min);  // the guard, in any weather
    next_start_.emplace(world_, platters_, ++connections_, "next start", told_);
    bool complete = open_runs(platters_).empty();
    for (int attempt = 0; attempt < 5 && !complete; ++attempt) {
      bool over = false;
      next_start_->recover([&](bool all, bool) {
        complete = all;
        over = true;
      });
      if (!pass([&] { return over; })) {
        return broken("the next start's recovery never ended");
      }
    }
    (void)pass([] { return false; }, 1s);  // its last record is on its way to the disk
    if (!complete || !open_runs(platters_).empty()) {
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
  Platters platters_;
  const engine::Environment environment_;
  const engine::Experiment experiment_;
  int connections_ = 0;
  bool killed_ = false;
  std::list<Guard> guards_;
  std::optional<Recoverer> next_start_;
  std::optional<Orchestrator> orchestrator_;
  std::unique_ptr<Timer> mishap_, promise_, wakes_;
};

}  // namespace

Outcome play(const Script& script, const Told& told) {
  return Play(script, told).run();
}

}  // namespace faultline::simulation
