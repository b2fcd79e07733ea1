#include "faults/catalog.hpp"
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
          {"effect", plan.effect},
          {"effect_within_ms", to_ms(plan.effect_within)},
          {"end_state", plan.end_state},
          {"may_move", plan.may_move}};
}

/// Each call is checked and written down; nothing is touched and nothing takes time.
class DryStage : public engine::Stage {
 public:
  DryStage(const engine::Environment& environment, const targets::World& world,
           const std::set<std::string>& capabilities)
      : environment_(environment),
        world_(world),
        capabilities_(capabilities.begin(), capabilities.end()) {}

  targets::World world() override { return world_; }

  void baseline(std::optional<Duration> length, const engine::Place& place) override {
    if (baseline_ || !faults_.empty()) {
      throw Failure({ErrorKind::usage, "run:baseline belongs before the first fault, once"});
    }
    baseline_ = true;
    add({"baseline", place, length ? Json(to_ms(*length)) : Json()});
  }

  std::vector<FaultId> inject(const std::vector<FaultRequest>& faults) override {
    baseline_ = true;
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
    Json detail = {{"objective", engine::in_words(expectation)}, {"requests", nullptr}};
    if (const auto requests = requests_in_window(expectation, environment_)) {
      detail["requests"] = *requests;
      detail["establishes_percent"] = slo::established_percent(*requests, *requests);
    }
    add({"expect", expectation.place, std::move(detail)});
    return true;
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

  /// The fault as it would be planned on this world. Errors carry the place where it was written.
  Json planned(const FaultRequest& request, FaultId id) const {
    const auto placed = [&request](Error error) {
      error.message = fmt::format("{}: {}", in_words(request.place), error.message);
      return Failure(std::move(error));
    };
    const auto kind = faults::find(request.fault);
    if (!kind) {
      throw placed(kind.error());
    }
    const auto params = faults::validate(**kind, request.params, world_);
    if (!params) {
      throw placed(params.error());
    }
    const auto plan = (*kind)->plan(world_, *params, fmt::format("dry.{}", id.index));
    if (!plan) {
      throw placed(plan.error());
    }
    for (const auto& action : plan->actions) {
      if (std::ranges::find(capabilities_, action.kind) == capabilities_.end()) {
        throw placed(
            {ErrorKind::unsupported,
             fmt::format("{} needs {}, which target '{}' cannot do; it can: {}", request.fault,
                         action.kind, world_.name, list_in_words(capabilities_))});
      }
    }
    return {{"fault", request.fault}, {"params", *params}, {"plan", plan_to_json(*plan)}};
  }

  const engine::Environment& environment_;
  const targets::World& world_;
  std::vector<std::string> capabilities_;
  std::vector<DryStep> steps_;
  std::vector<engine::Place> faults_;
  bool baseline_ = false;
};

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
  DryStage stage(environment, world, capabilities);
  try {
    experiment.method(stage);
  } catch (const Failure& failure) {
    return failure.error();
  }
  return stage.take_steps();
}

}  // namespace faultline::script
