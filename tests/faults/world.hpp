#pragma once

#include "faults/catalog.hpp"

#include <string>

namespace faultline::faults {

inline targets::Component component(const std::string& name, const std::string& kind,
                                    const std::string& zone,
                                    std::map<std::string, std::string> labels = {}) {
  targets::Component c;
  c.name = c.host = name;
  c.kind = kind;
  c.zone = zone;
  c.labels = std::move(labels);
  return c;
}

/// Three zones, the cache `sessions` and the database `orders` at home in a, a reserved and a spot
/// node a zone; a third party behind a NAT gateway with two EIPs of 2,048 ports.
inline World world() {
  World w;
  w.name = "test";
  w.zones = {"a", "b", "c"};
  w.hosts = {"client", "neighbour", "nat", "pay"};
  w.homes = {{"sessions", "a-redis"}, {"orders", "a-db"}};
  w.nat = {.host = "nat", .eips = 2, .ports_per_eip = 2048};
  for (const auto& zone : w.zones) {
    const bool home = zone == "a";
    w.components.push_back(
        component(zone + "-redis", "redis", zone,
                  {{"cache", "sessions"}, {"role", home ? "primary" : "replica"}}));
    w.components.push_back(component(zone + "-db", "database", zone,
                                     {{"database", "orders"}, {"role", home ? "rw" : "ro"}}));
    w.components.push_back(component(zone + "-reserved", "app", zone, {{"service", "app"}}));
    w.components.push_back(
        component(zone + "-spot", "app", zone, {{"service", "app"}, {"spot", "true"}}));
  }
  auto pay = component("pay", "dependency", "", {{"dependency", "pay"}});
  pay.address = "198.51.100.10";
  pay.port = 8080;
  w.components.push_back(pay);
  return w;
}

inline Result<Plan> try_plan(const std::string& fault, const Json& params,
                             const World& w = world()) {
  const auto* kind = find(fault).value();
  const auto valid = validate(*kind, params, w);
  return valid ? kind->plan(w, *valid, "r1.f1") : Result<Plan>(valid.error());
}

inline Plan planned(const std::string& fault, const Json& params, const World& w = world()) {
  return try_plan(fault, params, w).value();
}

/// Why it cannot be planned; empty when it can.
inline std::string refusal(const std::string& fault, const Json& params, const World& w = world()) {
  const auto plan = try_plan(fault, params, w);
  return plan ? "" : plan.error().message;
}

}  // namespace faultline::faults
