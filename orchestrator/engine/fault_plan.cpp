#include "orchestrator/engine/fault_plan.hpp"

#include "faults/catalog.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

namespace faultline::engine {
namespace {

Result<> check_fit(const FaultRequest& request, const faults::Plan& plan,
                   const targets::World& world, const std::set<std::string>& capabilities,
                   const Guardrails& guardrails) {
  const std::vector<std::string> can(capabilities.begin(), capabilities.end());
  for (const auto& action : plan.actions) {
    if (!capabilities.contains(action.kind)) {
      return Error{ErrorKind::unsupported,
                   fmt::format("{} needs {}, which target '{}' cannot do; it can: {}",
                               request.fault, action.kind, world.name, list_in_words(can))};
    }
  }
  if (plan.completes_within >= guardrails.max_duration) {
    return Error{ErrorKind::usage,
                 fmt::format("{} needs up to {} to complete, and the guardrail max_duration ends "
                             "every fault after {}; choose shorter times, or raise the guardrail",
                             request.fault, in_words(plan.completes_within),
                             in_words(guardrails.max_duration))};
  }
  return {};
}

Result<PlannedFault> planned(const FaultRequest& request, const targets::World& world,
                             const std::set<std::string>& capabilities,
                             const Guardrails& guardrails, const std::string& id) {
  const auto kind = faults::find(request.fault);
  if (!kind) {
    return kind.error();
  }
  auto params = faults::validate(**kind, request.params, world);
  if (!params) {
    return params.error();
  }
  auto plan = (*kind)->plan(world, *params, id);
  if (!plan) {
    return plan.error();
  }
  if (const auto fits = check_fit(request, *plan, world, capabilities, guardrails); !fits) {
    return fits.error();
  }
  for (auto& action : plan->actions) {
    action.max_duration = guardrails.max_duration;
  }
  return PlannedFault{std::move(*params), std::move(*plan)};
}

}  // namespace

Result<PlannedFault> plan_fault(const FaultRequest& request, const targets::World& world,
                                const std::set<std::string>& capabilities,
                                const Guardrails& guardrails, const std::string& id) {
  auto fault = planned(request, world, capabilities, guardrails, id);
  if (!fault) {
    auto error = fault.error();
    error.message = fmt::format("{}:{}: {}", request.place.file, request.place.line, error.message);
    return error;
  }
  return fault;
}

}  // namespace faultline::engine
