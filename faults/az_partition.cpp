#include "faults/kinds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace faultline::faults {
namespace {

const std::string outside = "client";  // a regional host: it is in no zone
constexpr double pings = 200;          // of one look at the loss
constexpr double p_unseen = 1e-4;      // that a loss in force is not seen in any of the looks
constexpr int most_looks = 12;
constexpr Duration per_look = std::chrono::seconds(2);  // 200 pings, 5 ms apart, and their answers
constexpr double max_latency_ms = 2000;

/// Something in the zone must exist before the plan is made, else there would be nothing to prove
/// the fault with.
Result<const targets::Component*> witness(const World& world, const std::string& zone) {
  for (const auto& component : world.components) {
    if (component.zone == zone && component.kind == "app") {
      return &component;
    }
  }
  return Error{ErrorKind::not_found,
               fmt::format("zone {} runs no application node, so nothing that happens to it could "
                           "be proved",
                           zone)};
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

/// A connect from outside needs both directions, so it proves a cut of either.
void plan_cut(Plan& plan, const targets::Component& node, const std::string& mode,
              const std::string& id) {
  plan.actions = {{.id = id + ".1",
                   .kind = "network.cut",
                   .args = {{"zone", node.zone}, {"direction", mode}},
                   .summary = cut_in_words(node.zone, mode),
                   .undo_summary = "delete those rules",
                   .resource = "zone " + node.zone}};
  plan.effect = {{"network.unreachable",
                  {{"from", outside}, {"to", node.name}},
                  fmt::format("{} cannot reach {} in zone {}", outside, node.name, node.zone)}};
  plan.effect_within = std::chrono::seconds(4);  // a TCP connect is given 1 s to be sure
}

/// The chance that one look at `lost_share` sees fewer than `at_least` of its pings lost.
double p_fewer(double lost_share, int at_least) {
  double term = std::exp(pings * std::log1p(-lost_share));
  double sum = 0;
  for (int k = 0; k < at_least; ++k) {
    sum += term;
    term *= (pings - k) / (k + 1) * lost_share / (1 - lost_share);
  }
  return sum;
}

/// A ping crosses the zone's border twice. Half of what must be lost on average is asked for; where
/// that is so little that one look can miss it, there are several.
Result<> plan_loss(Plan& plan, const targets::Component& node, double percent,
                   const std::string& id) {
  const double passes = 1 - percent / 100;
  const double lost = 1 - passes * passes;
  const int at_least = std::max(1, static_cast<int>(std::lround(lost * pings / 2)));
  const double missed = lost < 1 ? p_fewer(lost, at_least) : 0;
  const double looks = missed > p_unseen ? std::ceil(std::log(p_unseen) / std::log(missed)) : 1;
  if (looks > most_looks) {
    return Error{ErrorKind::usage,
                 fmt::format("az_partition: a loss of {:g} % cannot be proved: {} looks of {:g} "
                             "pings each may see none of it; use at least 0.25 %",
                             percent, most_looks, pings)};
  }
  plan.actions = {{.id = id + ".1",
                   .kind = "network.loss",
                   .args = {{"zone", node.zone}, {"percent", percent}},
                   .summary = fmt::format("lose {:g} % of the packets into and out of zone {}, in "
                                          "core",
                                          percent, node.zone),
                   .undo_summary = "delete those rules",
                   .resource = "zone " + node.zone}};
  const double asked = 100.0 * at_least / pings;
  plan.effect = {
      {"network.loses",
       {{"from", outside}, {"to", node.host}, {"at_least_percent", asked}},
       fmt::format("at least {:g} % of pings from {} to {} are lost", asked, outside, node.host)}};
  plan.effect_within = std::chrono::seconds(1) + static_cast<int>(looks) * per_look;
  return {};
}

void plan_latency(Plan& plan, const targets::Component& node, const Json& params,
                  const std::string& id) {
  const double delay_ms = params.at("latency"), jitter_ms = params.at("jitter");
  plan.actions = {{.id = id + ".1",
                   .kind = "wire.shape",
                   .args = {{"zone", node.zone},
                            {"delay_ms", delay_ms},
                            {"jitter_ms", jitter_ms},
                            {"rate_mbit", 0}},
                   .summary = fmt::format(
                       "delay packets into and out of zone {} by {:g} ms{} each "
                       "way",
                       node.zone, delay_ms,
                       jitter_ms > 0 ? fmt::format(" and up to {:g} ms more", jitter_ms) : ""),
                   .undo_summary = "take that delay away",
                   .resource = "zone " + node.zone}};
  plan.effect = {{"network.round_trip",
                  {{"from", outside}, {"to", node.host}, {"at_least_ms", 2 * delay_ms}},
                  fmt::format("a round trip from {} to {} takes at least {:g} ms", outside,
                              node.host, 2 * delay_ms)}};
  constexpr int pings_of_a_look = 10;
  plan.effect_within = std::chrono::seconds(3) +
                       pings_of_a_look * std::chrono::milliseconds(std::llround(2 * delay_ms));
}

/// Roles at home in the zone may go elsewhere, and stay there.
void add_moves(Plan& plan, const World& world, const std::string& zone) {
  for (const auto& [store, home] : world.homes) {
    const auto* primary = world.primary(store);
    if (primary == nullptr || primary->zone != zone) {
      continue;
    }
    const bool database = primary->labels.contains("database");
    plan.may_move.push_back(database ? fmt::format("database {} rw", store)
                                     : fmt::format("cache {} primary", store));
    plan.end_state.push_back(
        database ? fmt::format("{} has one writable node, in any zone, and its read-only nodes in "
                               "sync",
                               store)
                 : fmt::format("{} has one writable primary, in any zone, and its replicas in sync",
                               store));
    plan.reversibility = Reversibility::compensable;
  }
}

Result<Plan> plan(const World& world, const Json& params, const std::string& id) {
  const auto zone = params.at("zone").get<std::string>();
  const auto mode = params.at("mode").get<std::string>();
  const auto node = witness(world, zone);
  if (!node) {
    return node.error();
  }
  Plan plan;
  plan.resources = {"zone " + zone};
  plan.zones_cut = {zone};
  plan.end_state = {"the network is as before", "every component is healthy"};
  for (const auto& component : world.components) {
    if (component.zone == zone) {
      plan.instances.push_back(component.name);
    }
  }
  add_moves(plan, world, zone);
  if (mode == "loss") {
    if (const auto planned = plan_loss(plan, **node, params.at("loss"), id); !planned) {
      return planned.error();
    }
  } else if (mode == "latency") {
    plan_latency(plan, **node, params, id);
  } else {
    plan_cut(plan, **node, mode, id);
  }
  return plan;
}

}  // namespace

Kind az_partition() {
  return {.name = "az_partition",
          .summary =
              "A zone is cut off from everything (the other zones, the load balancer, the "
              "outside), or its links are bad",
          .capability = "cut a zone's network, lose its packets, delay them",
          .params = {{.name = "zone", .type = ParamType::zone, .doc = "the zone that is hit"},
                     {.name = "mode",
                      .type = ParamType::choice,
                      .doc = "which packets are dropped: all of both ways, only those into the "
                             "zone, or only those out of it; loss: some of both; latency: none, "
                             "they come later",
                      .fallback = "full",
                      .choices = {"full", "inbound", "outbound", "loss", "latency"}},
                     {.name = "loss",
                      .type = ParamType::percent,
                      .doc = "for loss: of the packets, each way",
                      .fallback = 20,
                      .min = 0.1,
                      .max = 100},
                     {.name = "latency",
                      .type = ParamType::duration,
                      .doc = "for latency: added each way",
                      .fallback = 100,
                      .min = 1,
                      .max = max_latency_ms},
                     {.name = "jitter",
                      .type = ParamType::duration,
                      .doc = "for latency: up to so much more, at random",
                      .fallback = 0,
                      .min = 0,
                      .max = max_latency_ms}},
          .plan = plan};
}

}  // namespace faultline::faults
