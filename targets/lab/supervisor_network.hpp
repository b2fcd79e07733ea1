#pragma once

#include "targets/lab/supervisor_children.hpp"
#include "targets/lab/topology.hpp"

#include <string>
#include <utility>
#include <vector>

namespace faultline::lab {

/// The lab's network as commands for `ip -batch`: a few processes make it, not one per command.
struct NetworkPlan {
  std::string namespaces;  ///< one named namespace per host
  std::string links;       ///< every veth pair, both ends born in their places
  std::vector<std::pair<std::string, std::string>> hosts;  ///< host -> addresses, bridges, routes
  std::vector<std::string> forwarding;                     ///< hosts that route
};
NetworkPlan plan_network(const Topology& topology);

/// Carries the plan out in the caller's namespaces, with /run/netns writable.
void build_network(Children& children, const NetworkPlan& plan, targets::Done<void> done);

/// The nftables table that cuts a zone in `core`; named after the action, so that deleting the name
/// is the whole undo. `direction`: "full", "inbound" (into the zone), "outbound".
std::string cut_rules(const std::string& action, const std::string& zone,
                      const std::string& direction);
/// The table in a host's own namespace that leaves it nothing but lo.
std::string isolate_rules(const std::string& action);
/// Deletes the action's table; one that is not there is fine.
std::string delete_rules(const std::string& action);

}  // namespace faultline::lab
