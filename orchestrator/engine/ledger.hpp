#pragma once

#include "faults/fault.hpp"
#include "orchestrator/engine/environment.hpp"

#include <map>
#include <string>

namespace faultline::engine {

/// Who holds which resource, and the limits of what may be broken at once. Pure.
/// Claims nest within a run: two faults of one run may hit one resource.
class Ledger {
 public:
  Ledger(Guardrails guardrails, bool staging)
      : guardrails_(std::move(guardrails)), staging_(staging) {}

  /// Claims everything the plan hits, or nothing. Error `refused` names the rule, the limit and the
  /// request. `world` gives the size of each service.
  Result<> claim(const std::string& fault, const faults::Plan& plan, const targets::World& world);
  void release(const std::string& fault);
  [[nodiscard]] const std::map<std::string, faults::Plan>& claims() const { return claims_; }

 private:
  [[nodiscard]] std::optional<std::string> broken_rule(const faults::Plan& plan,
                                                       const targets::World& world) const;

  Guardrails guardrails_;
  bool staging_;
  std::map<std::string, faults::Plan> claims_;
};

}  // namespace faultline::engine
