#pragma once

#include "faults/fault.hpp"

namespace faultline::faults {

/// What is lost by a failover: a cache's primary or a database's writable node, and how it is said.
struct Store {
  std::string kind;        ///< "cache", "database": also the parameter and the label of its nodes
  std::string first;       ///< "primary", "writable node"
  std::string others;      ///< "replicas", "read-only nodes"
  std::string role;        ///< as the invariant names it: "primary", "rw"
  std::string manager;     ///< who moves the role when asked: "Sentinel"
  std::string switchover;  ///< the action that asks it
  std::string moved;       ///< the check that the role is elsewhere
};

/// The first node of the store `params` names is lost or moved, by `params["mode"]`: crash, hang,
/// isolate or switchover.
Result<Plan> plan_failover(const Store& store, const World& world, const Json& params,
                           const std::string& id);
/// The parameter of that name, `doc`umented.
Param failover_mode(const Store& store);

/// The names of all components at a host.
std::vector<std::string> components_at(const World& world, const std::string& host);

}  // namespace faultline::faults
