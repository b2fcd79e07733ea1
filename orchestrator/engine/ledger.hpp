#pragma once

#include "orchestrator/engine/guardrails.hpp"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace faultline::engine {

/// A fault that asks for its share of the environment.
struct Claim {
  std::string id, fault;  ///< "r1.f2", "az_partition"
  const faults::Plan& plan;
};

/// Who holds which resource, and the limits of what may be broken at once. Pure.
/// Claims nest within a run: two faults of one run may hit one resource. What is claimed counts
/// until it is released, that is until its undo is verified.
class Ledger {
 public:
  /// `approved`: a person agreed to the faults that need it.
  Ledger(Guardrails guardrails, bool staging, bool approved = false)
      : guardrails_(std::move(guardrails)), staging_(staging), approved_(approved) {}

  /// Claims everything the plan hits, or nothing. Error `refused` names the rule, the limit and the
  /// request. `world`: what the fault was planned on.
  Result<> claim(const Claim& claim, const targets::World& world, WallTime now);
  void release(const std::string& fault);

  /// The first guardrail that these would break together with what is held; nothing is claimed.
  [[nodiscard]] Result<> allows(std::span<const Claim> claims, const targets::World& world,
                                WallTime now) const;
  /// Every guardrail as this fault would meet it now.
  [[nodiscard]] std::vector<Reading> readings(const Claim& claim, const targets::World& world,
                                              WallTime now) const;
  /// What everything that is held takes together.
  [[nodiscard]] const Radius& held() const { return held_; }
  /// The faults that needed an approval, and had it.
  [[nodiscard]] const std::vector<std::string>& approved() const { return needed_; }

 private:
  [[nodiscard]] std::vector<Reading> readings(const Claim& claim, Radius together,
                                              const targets::World& world, WallTime now) const;

  void add_up();

  Guardrails guardrails_;
  bool staging_;
  bool approved_;
  std::map<std::string, Radius> claims_;  ///< by fault
  Radius held_;                           ///< of all claims
  std::vector<std::string> needed_;
};

}  // namespace faultline::engine
