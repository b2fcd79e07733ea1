#include "orchestrator/engine/ledger.hpp"

#include <fmt/format.h>

#include <set>

namespace faultline::engine {
namespace {

/// The largest share of any one service's instances that `hit` takes, in percent, and its name.
std::pair<double, std::string> worst_share(const std::set<std::string>& hit,
                                           const targets::World& world) {
  std::map<std::string, std::pair<std::size_t, std::size_t>> services;  // hit, all
  for (const auto& component : world.components) {
    const auto service = component.labels.find("service");
    if (service != component.labels.end()) {
      auto& [taken, all] = services[service->second];
      taken += hit.contains(component.name) ? 1 : 0;
      ++all;
    }
  }
  std::pair<double, std::string> worst{0, ""};
  for (const auto& [service, counts] : services) {
    const double share =
        100.0 * static_cast<double>(counts.first) / static_cast<double>(counts.second);
    worst = std::max(worst, std::pair{share, service});
  }
  return worst;
}

}  // namespace

Result<> Ledger::claim(const std::string& fault, const faults::Plan& plan,
                       const targets::World& world) {
  if (const auto rule = broken_rule(plan, world)) {
    return Error{ErrorKind::refused, *rule};
  }
  claims_[fault] = plan;
  return {};
}

void Ledger::release(const std::string& fault) {
  claims_.erase(fault);
}

std::optional<std::string> Ledger::broken_rule(const faults::Plan& plan,
                                               const targets::World& world) const {
  if (!staging_) {
    return "the environment is not marked `staging = true`, so nothing is injected into it";
  }
  std::set<std::string> zones(plan.zones_cut.begin(), plan.zones_cut.end());
  std::set<std::string> instances(plan.instances.begin(), plan.instances.end());
  for (const auto& [fault, held] : claims_) {
    zones.insert(held.zones_cut.begin(), held.zones_cut.end());
    instances.insert(held.instances.begin(), held.instances.end());
  }
  const auto& g = guardrails_;
  if (g.concurrent_faults > 0 && claims_.size() + 1 > g.concurrent_faults) {
    return fmt::format("guardrail concurrent_faults: at most {}, this would be number {}",
                       g.concurrent_faults, claims_.size() + 1);
  }
  if (g.zones_at_once > 0 && zones.size() > g.zones_at_once) {
    return fmt::format("guardrail zones_at_once: at most {}, this would be {} ({})",
                       g.zones_at_once, zones.size(), fmt::join(zones, ", "));
  }
  for (const auto& resource : plan.resources) {
    if (g.protected_resources.contains(resource)) {
      return fmt::format("guardrail protected: '{}' may not be touched", resource);
    }
  }
  if (g.needs_approval.contains(std::string(faults::to_string(plan.reversibility)))) {
    return fmt::format("guardrail approval: a {} fault needs an approval, and there is none",
                       faults::to_string(plan.reversibility));
  }
  const auto [share, service] = worst_share(instances, world);
  if (g.max_instances_percent > 0 && share > g.max_instances_percent) {
    return fmt::format(
        "guardrail max_instances_percent: at most {:.4g} % of {}, this would be {:.4g} %",
        g.max_instances_percent, service, share);
  }
  return std::nullopt;
}

}  // namespace faultline::engine
