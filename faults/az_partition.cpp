#include "faults/kinds.hpp"

#include <fmt/format.h>

namespace faultline::faults {
namespace {

/// A connect from outside needs both directions, so it proves a cut of either. What it would
/// connect to must exist before the plan is made, else there would be nothing to prove the cut
/// with.
Result<std::vector<Check>> witnesses(const World& world, const std::string& zone) {
  for (const auto& component : world.components) {
    if (component.zone == zone && component.kind == "app") {
      const auto from_outside = std::string("client");
      return std::vector<Check>{
          {"network.unreachable",
           {{"from", from_outside}, {"to", component.name}},
           fmt::format("{} cannot reach {} in zone {}", from_outside, component.name, zone)}};
    }
  }
  return Error{ErrorKind::not_found,
               fmt::format("zone {} runs no application node, so a cut could not be proved", zone)};
}

std::string cut_in_words(const std::string& zone, const std::string& mode) {
  if (mode == "inbound") {
    return fmt::format("drop what goes into zone {}, in core", zone);
  }
  if (mode == "outbound") {
    return fmt::format("drop what comes out of zone {}, in core", zone);
  }
  return fmt::format("drop everything between zone {} and the rest, in core", zone);
}

Result<Plan> plan(const World& world, const Json& params, const std::string& id) {
  const auto zone = params.at("zone").get<std::string>();
  const auto mode = params.at("mode").get<std::string>();
  auto effect = witnesses(world, zone);
  if (!effect) {
    return effect.error();
  }
  Plan plan;
  plan.actions.push_back({.id = id + ".1",
                          .kind = "network.cut",
                          .args = {{"zone", zone}, {"direction", mode}},
                          .summary = cut_in_words(zone, mode),
                          .undo_summary = "delete those rules",
                          .resource = "zone " + zone});
  plan.resources = {"zone " + zone};
  plan.zones_cut = {zone};
  plan.effect = *effect;
  plan.effect_within = std::chrono::seconds(4);  // a TCP connect is given 1 s to be sure
  plan.end_state = {"the network rules are as before", "every component is healthy"};
  for (const auto& component : world.components) {
    if (component.zone == zone) {
      plan.instances.push_back(component.name);
    }
  }
  for (const auto& [cache, home] : world.homes) {
    const auto* primary = world.primary(cache);
    if (primary != nullptr && primary->zone == zone) {
      plan.may_move.push_back(fmt::format("cache {} primary", cache));
      plan.end_state.push_back(
          fmt::format("{} has one writable primary, in any zone, and its replicas in sync", cache));
      plan.reversibility = Reversibility::compensable;
    }
  }
  return plan;
}

}  // namespace

Kind az_partition() {
  return {.name = "az_partition",
          .summary =
              "A zone is cut off from everything: the other zones, the load balancer, the "
              "outside",
          .capability = "cut a zone's network",
          .params = {{.name = "zone", .type = ParamType::zone, .doc = "the zone to cut off"},
                     {.name = "mode",
                      .type = ParamType::choice,
                      .doc = "which packets are dropped: both ways, only those into the zone, or "
                             "only those out of it",
                      .fallback = "full",
                      .choices = {"full", "inbound", "outbound"}}},
          .plan = plan};
}

}  // namespace faultline::faults
