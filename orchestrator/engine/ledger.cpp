#include "orchestrator/engine/ledger.hpp"

#include <algorithm>

namespace faultline::engine {

std::vector<Reading> Ledger::readings(const Claim& claim, Radius together,
                                      const targets::World& world, WallTime now) const {
  join(together, radius_of(claim.plan, world));
  return engine::readings(guardrails_, {.plan = claim.plan,
                                        .world = world,
                                        .together = together,
                                        .staging = staging_,
                                        .approved = approved_,
                                        .now = now});
}

std::vector<Reading> Ledger::readings(const Claim& claim, const targets::World& world,
                                      WallTime now) const {
  return readings(claim, held_, world, now);
}

Result<> Ledger::allows(std::span<const Claim> claims, const targets::World& world,
                        WallTime now) const {
  Radius before = held_;
  for (const auto& claim : claims) {
    const auto met = readings(claim, before, world, now);
    const auto broken = std::ranges::find(met, false, &Reading::holds);
    if (broken != met.end()) {
      return refusal(*broken, who_asks(claim.fault, claim.plan), guardrails_);
    }
    join(before, radius_of(claim.plan, world));
  }
  return {};
}

Result<> Ledger::claim(const Claim& claim, const targets::World& world, WallTime now) {
  if (auto allowed = allows({&claim, 1}, world, now); !allowed) {
    return allowed;
  }
  claims_[claim.id] = radius_of(claim.plan, world);
  add_up();
  if (needs_approval(guardrails_, claim.plan.reversibility)) {
    needed_.push_back(claim.id);
  }
  return {};
}

void Ledger::release(const std::string& fault) {
  claims_.erase(fault);
  add_up();
}

void Ledger::add_up() {
  held_ = {};
  for (const auto& [id, radius] : claims_) {
    join(held_, radius);
  }
}

}  // namespace faultline::engine
