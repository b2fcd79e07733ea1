#pragma once

#include "faults/fault.hpp"
#include "orchestrator/engine/environment.hpp"

#include <set>

namespace faultline::engine {

/// A fault as it will be injected: what the dry pass shows, and what a run does.
struct PlannedFault {
  Json params;  ///< validated and complete
  faults::Plan plan;
};

/// Validates and plans on `world`. `id` prefixes the ids of its actions. Errors carry the place in
/// the script: `usage` and `not_found` as from the fault, `unsupported` when the target lacks one
/// of `capabilities`, `usage` when the guardrails would end the fault before it is complete.
Result<PlannedFault> plan_fault(const FaultRequest& request, const targets::World& world,
                                const std::set<std::string>& capabilities,
                                const Guardrails& guardrails, const std::string& id);

}  // namespace faultline::engine
