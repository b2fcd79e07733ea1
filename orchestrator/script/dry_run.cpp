#include "orchestrator/engine/fault_plan.hpp"
#include "orchestrator/script/loader.hpp"
#include "orchestrator/script/plausible.hpp"
#include "orchestrator/script/sandbox.hpp"
#include "orchestrator/slo/judge.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>

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
  DryStage(const engine::Environment& environment, const targets::World& world,
           const std::set<std::string>& capabilities)
      : environment_(environment), world_(world), capabilities_(capabilities) {}

  targets::World world() override { return world_; }

  void baseline(std::optional<Duration> length, const engine::Place& place) override {
    if (baseline_ || !faults_.empty()) {
      throw Failure({ErrorKind::usage, "run:baseline belongs before the first fault, once"});
    }
    baseline_ = length.value_or(environment_.baseline);
    add({"baseline", place, length ? Json(to_ms(*length)) : Json()});
  }

  std::vector<FaultId> inject(const std::vector<FaultRequest>& faults) override {
    baseline_ = baseline_.value_or(environment_.baseline);
    std::vector<FaultId> ids;
    for (const auto& fault : faults) {
      const FaultId id{faults_.size()};
      add({"inject", fault.place, planned(fault, id)});
      faults_.push_back(fault.place);
      ids.push_back(id);
    }
    return ids;
  }

  void revert(FaultId fault) override {
    add({"revert", faults_.at(fault.index), {{"fault", fault.index}}});
  }

  void wait(Duration length) override { add({"wait", {}, {{"ms", to_ms(length)}}}); }

  bool expect(const engine::Expectation& expectation) override {
    check_baseline(expectation);
    Json detail = {{"objective", engine::in_words(expectation)}, {"requests", nullptr}};
    if (const auto requests = requests_in_window(expectation, environment_)) {
      detail["requests"] = *requests;
      detail["establishes_percent"] = slo::established_percent(*requests, *requests);
    }
    add({"expect", expectation.place, std::move(detail)});
    return true;
  }

  void stop_when(const engine::StopCondition& condition) override {
    add({"stop_when", condition.place, {{"condition", engine::in_words(condition)}}});
  }

  void note(const std::string& /*text*/) override {}

  std::vector<DryStep> take_steps() { return std::move(steps_); }

 private:
  void add(DryStep step) {
    if (steps_.size() >= max_steps) {
      throw Failure({ErrorKind::usage,
                     fmt::format("the method takes more than {} steps; is there an endless loop?",
                                 max_steps)});
    }
    steps_.push_back(std::move(step));
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
    try {
      check_expressible(over_baseline, environment_);
    } catch (const Failure& failure) {
      throw Failure({ErrorKind::usage,
                     fmt::format("{}: in the baseline, {}", what, failure.error().message)});
    }
  }

  /// The fault as it would be planned on this world.
  Json planned(const FaultRequest& request, FaultId id) const {
    const auto fault = engine::plan_fault(request, world_, capabilities_, environment_.guardrails,
                                          fmt::format("dry.{}", id.index));
    if (!fault) {
      throw Failure(fault.error());
    }
    return {
        {"fault", request.fault}, {"params", fault->params}, {"plan", plan_to_json(fault->plan)}};
  }

  const engine::Environment& environment_;
  const targets::World& world_;
  const std::set<std::string>& capabilities_;
  std::vector<DryStep> steps_;
  std::vector<engine::Place> faults_;
  std::optional<Duration> baseline_;  ///< its length, once it was measured
};

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

Result<std::vector<DryStep>> dry_run(const engine::Experiment& experiment,
                                     const engine::Environment& environment,
                                     const targets::World& world,
                                     const std::set<std::string>& capabilities) {
  if (!environment.staging) {
    return Error{ErrorKind::usage,
                 fmt::format("environment '{}' is not marked staging = true, so nothing may be "
                             "injected into it",
                             environment.name)};
  }
  if (const auto known = check_hosts(experiment, world); !known) {
    return known.error();
  }
  const auto complete = engine::with_probes(environment, experiment);
  DryStage stage(complete, world, capabilities);
  try {
    experiment.method(stage);
  } catch (const Failure& failure) {
    return failure.error();
  }
  return stage.take_steps();
}

}  // namespace faultline::script
