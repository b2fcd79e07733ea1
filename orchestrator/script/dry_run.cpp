#include "orchestrator/engine/fault_plan.hpp"
#include "orchestrator/engine/ledger.hpp"
#include "orchestrator/script/loader.hpp"
#include "orchestrator/script/plausible.hpp"
#include "orchestrator/script/probes.hpp"
#include "orchestrator/script/sandbox.hpp"
#include "orchestrator/slo/judge.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace faultline::script {
namespace {

using engine::FaultId;
using engine::FaultRequest;
using engine::Json;

constexpr std::size_t max_steps = 10'000;  // of one method; a soak of a day takes some hundred

Json plan_to_json(const faults::Plan& plan) {
  return {{"actions", plan.actions},
          {"resources", plan.resources},
          {"zones_cut", plan.zones_cut},
          {"instances", plan.instances},
          {"reversibility", faults::to_string(plan.reversibility)},
          {"before", plan.before},
          {"effect", plan.effect},
          {"effect_within_ms", to_ms(plan.effect_within)},
          {"completion", plan.completion},
          {"completes_within_ms", to_ms(plan.completes_within)},
          {"end_state", plan.end_state},
          {"may_move", plan.may_move}};
}

/// Each call is checked and written down; nothing is touched and nothing takes time.
class DryStage : public engine::Stage {
 public:
  DryStage(const engine::Environment& environment, const std::vector<std::string>& names,
           const DryWorld& dry)
      : environment_(environment),
        names_(names),
        dry_(dry),
        ledger_(environment.guardrails, environment.staging, dry.approved) {}

  targets::World world() override { return dry_.world; }

  void baseline(std::optional<Duration> length, const engine::Place& place) override {
    if (baseline_ || !faults_.empty()) {
      throw Failure({ErrorKind::usage, "run:baseline belongs before the first fault, once"});
    }
    baseline_ = length.value_or(environment_.baseline);
    add({"baseline", place, {{"ms", to_ms(*baseline_)}, {"objectives", steady_state(place)}}});
    now_ += *baseline_;
  }

  std::vector<FaultId> inject(const std::vector<FaultRequest>& requests) override {
    if (!baseline_) {
      baseline(std::nullopt, requests.empty() ? engine::Place{} : requests.front().place);
    }
    std::vector<FaultId> ids;
    for (const auto& request : requests) {
      ids.push_back({faults_.size()});
      faults_.push_back({request, planned(request, ids.back()), now_});
    }
    for (const auto id : ids) {
      claim(faults_[id.index], fmt::format("dry.{}", id.index));
    }
    return ids;
  }

  void revert(FaultId id) override {
    auto& fault = faults_.at(id.index);
    add({"revert", fault.request.place, {{"fault", id.index}}});
    if (fault.in_force) {
      undo(fault);
    }
  }

  void wait(Duration length) override {
    add({"wait", {}, {{"ms", to_ms(length)}}});
    now_ += length;
  }

  bool expect(const engine::Expectation& expectation) override {
    check_baseline(expectation);
    check_history(expectation);
    add({"expect",
         expectation.place,
         {{"objective", engine::in_words(expectation)},
          {"reach", reach_in_json(expectation, environment_)}}});
    if (engine::is_monitored(expectation.sli)) {
      monitored_.push_back(expectation);
    }
    pass(expectation);
    return true;
  }

  void stop_when(const engine::StopCondition& condition) override {
    add({"stop_when", condition.place, {{"condition", engine::in_words(condition)}}});
  }

  void declare(const std::string& reason, const engine::Place& place) override {
    if (faults_.empty()) {
      throw Failure({ErrorKind::usage,
                     fmt::format("{}: run:declare belongs after a fault: nothing has been injected "
                                 "yet, so there is nothing to recover from",
                                 in_words(place))});
    }
    add({"declare", place, {{"reason", reason}}});
  }

  void note(const std::string& /*text*/) override {}

  /// What the method leaves in force ends with it.
  void finish() {
    for (auto& fault : faults_) {
      if (fault.in_force) {
        undo(fault);
      }
    }
  }

  DryRun take() {
    return {std::move(steps_), std::move(widest_), std::move(met_), std::move(refused_),
            std::move(monitored_)};
  }

 private:
  struct DryFault {
    FaultRequest request;
    engine::PlannedFault planned;
    Duration since;  ///< t0, by the time that a method takes that finds everything as it hopes
    bool in_force = true;
  };

  void add(DryStep step) {
    if (steps_.size() >= max_steps) {
      throw Failure({ErrorKind::usage,
                     fmt::format("the method takes more than {} steps; is there an endless loop?",
                                 max_steps)});
    }
    steps_.push_back(std::move(step));
  }

  /// What the baseline is to show, as far as it can.
  [[nodiscard]] Json steady_state(const engine::Place& place) const {
    Json all = Json::array();
    for (const auto& [name, objective] : environment_.objectives) {
      if (!names_.empty() && std::ranges::find(names_, name) == names_.end()) {
        continue;
      }
      auto over_baseline = objective;
      over_baseline.over = *baseline_;
      check(over_baseline, [&] {
        return fmt::format("{}: in a baseline of {}", in_words(place),
                           faultline::in_words(*baseline_));
      });
      all.push_back({{"objective", engine::in_words(objective)},
                     {"reach", reach_in_json(over_baseline, environment_)}});
    }
    return all;
  }

  /// `where` goes before what is wrong.
  void check(const engine::Expectation& expectation,
             const std::function<std::string()>& where) const {
    try {
      check_expressible(expectation, environment_);
    } catch (const Failure& failure) {
      throw Failure({ErrorKind::usage, fmt::format("{}, {}", where(), failure.error().message)});
    }
  }

  /// A burn rate looks back as far as there was load, and no further.
  void check_history(const engine::Expectation& expectation) const {
    const auto& from = expectation.from;
    const auto begins = from ? faults_.at(from->index).since : now_;
    auto seen = expectation;
    for (auto& rule : seen.burn) {
      rule.long_window = std::min(rule.long_window, environment_.warm_up + begins);
    }
    check(seen, [&] {
      return fmt::format("{}: {} after the load has begun", in_words(expectation.place),
                         faultline::in_words(environment_.warm_up + begins));
    });
  }

  /// A comparison needs a baseline, and enough requests in it.
  void check_baseline(const engine::Expectation& expectation) const {
    if (!expectation.versus) {
      return;
    }
    const auto what =
        fmt::format("{}: {}", in_words(expectation.place), engine::in_words(expectation));
    if (!baseline_) {
      throw Failure(
          {ErrorKind::usage, fmt::format("{}: there is no baseline yet to compare with; write "
                                         "run:baseline() before it",
                                         what)});
    }
    auto over_baseline = expectation;
    over_baseline.over = *baseline_;
    check(over_baseline, [&] { return what + ": in the baseline"; });
  }

  /// The fault as it would be planned on this world.
  [[nodiscard]] engine::PlannedFault planned(const FaultRequest& request, FaultId id) const {
    auto fault = engine::plan_fault(request, dry_.world, dry_.capabilities, environment_.guardrails,
                                    fmt::format("dry.{}", id.index));
    return std::move(fault.value());
  }

  /// Meets the guardrails with what is in force already.
  void claim(const DryFault& fault, const std::string& id) {
    const auto& plan = fault.planned.plan;
    const engine::Claim claim{id, fault.request.fault, plan};
    const auto met = ledger_.readings(claim, dry_.world, dry_.now);
    add({"inject",
         fault.request.place,
         {{"fault", fault.request.fault},
          {"params", fault.planned.params},
          {"plan", plan_to_json(plan)},
          {"radius", engine::radius_of(plan, dry_.world)},
          {"guardrails", met}}});
    if (!dry_.guarded) {
      return;
    }
    engine::keep_tightest(met_, met);
    if (const auto claimed = ledger_.claim(claim, dry_.world, dry_.now); !claimed) {
      refuse_at(fault.request.place, claimed.error().message);
    }
    engine::widen(widest_, ledger_.held());
  }

  /// What is undone counts until it can be verified: when nothing else is in force.
  void undo(DryFault& fault) {
    fault.in_force = false;
    if (std::ranges::none_of(faults_, &DryFault::in_force)) {
      for (std::size_t i = 0; i < faults_.size(); ++i) {
        ledger_.release(fmt::format("dry.{}", i));
      }
    }
    const auto& plan = fault.planned.plan;
    const auto held = std::max(now_ - fault.since, plan.completes_within);
    const auto reading = engine::duration_reading(environment_.guardrails, held);
    engine::keep_tightest(met_, {reading});
    if (dry_.guarded && !reading.holds) {
      const auto who = engine::who_asks(fault.request.fault, plan);
      refuse_at(fault.request.place,
                engine::refusal(reading, who, environment_.guardrails).message);
    }
  }

  /// The time that a window takes at least, when what it asks for holds.
  void pass(const engine::Expectation& expectation) {
    using engine::Sli;
    if (expectation.sli == Sli::recovery || expectation.sli == Sli::lost) {
      return;
    }
    const auto from = expectation.from ? faults_.at(expectation.from->index).since : now_;
    now_ = std::max(now_, from + expectation.over);
  }

  /// The first refusal counts, whatever the script does about it.
  [[noreturn]] void refuse_at(const engine::Place& place, const std::string& why) {
    const Error error{ErrorKind::usage, fmt::format("{}: {}", in_words(place), why)};
    refused_ = refused_.value_or(error);
    throw Failure(error);
  }

  const engine::Environment& environment_;
  const std::vector<std::string>& names_;  ///< of its objectives; empty: all
  const DryWorld& dry_;
  engine::Ledger ledger_;
  std::vector<DryStep> steps_;
  std::vector<engine::Expectation> monitored_;
  std::vector<DryFault> faults_;
  Duration now_{};
  engine::Radius widest_;
  std::vector<engine::Reading> met_;
  std::optional<Error> refused_;
  std::optional<Duration> baseline_;  ///< its length, once it was measured
};

/// The services that probes ask, of which the world has nodes.
Result<> check_services(const engine::Environment& environment, const targets::World& world) {
  std::map<std::string, std::string> known;  // each service, and one of its nodes
  for (const auto& component : world.components) {
    if (const auto label = component.labels.find("service"); label != component.labels.end()) {
      known.emplace(label->second, component.name);
    }
  }
  for (const auto& [name, probe] : environment.probes) {
    if (!probe.service.empty() && !known.contains(probe.service)) {
      return Error{ErrorKind::usage,
                   fmt::format("probe '{}' asks unknown service '{}'{}", name, probe.service,
                               suggestion(probe.service, names_of(known)))};
    }
  }
  return {};
}

Result<> check_hosts(const engine::Experiment& experiment, const targets::World& world) {
  for (const auto& [name, probe] : experiment.probes) {
    if (std::ranges::find(world.hosts, probe.from) == world.hosts.end()) {
      return Error{ErrorKind::usage,
                   fmt::format("{}: probe '{}' runs on unknown host '{}'{}", experiment.file, name,
                               probe.from, suggestion(probe.from, world.hosts))};
    }
  }
  return {};
}

}  // namespace

Result<DryRun> dry_run(const engine::Experiment& experiment, const engine::Environment& environment,
                       const DryWorld& dry) {
  if (!environment.staging) {
    return Error{ErrorKind::usage,
                 fmt::format("environment '{}' is not marked staging = true, so nothing may be "
                             "injected into it",
                             environment.name)};
  }
  if (const auto known = check_hosts(experiment, dry.world); !known) {
    return known.error();
  }
  if (const auto known = engine::check_protected(environment.guardrails, dry.world); !known) {
    return known.error();
  }
  const auto complete = engine::with_probes(environment, experiment);
  if (const auto known = check_services(complete, dry.world); !known) {
    return known.error();
  }
  DryStage stage(complete, experiment.steady_state, dry);
  std::optional<Error> failed;
  try {
    experiment.method(stage);
    stage.finish();
  } catch (const Failure& failure) {
    failed = failure.error();
  }
  auto taken = stage.take();
  if (failed && !taken.refused) {
    return *failed;
  }
  return taken;
}

}  // namespace faultline::script
