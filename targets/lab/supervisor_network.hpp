#pragma once

#include "targets/lab/supervisor_children.hpp"
#include "targets/lab/topology.hpp"

#include <string>
#include <utility>
#include <vector>

namespace faultline::lab {

/// A kernel setting of a host: {"pay", "/proc/sys/net/ipv4/ip_forward", "1"}.
struct HostSetting {
  std::string host, file, value;
};

/// The lab's network as commands for `ip -batch`: a few processes make it, not one per command.
struct NetworkPlan {
  std::string namespaces;  ///< one named namespace per host
  std::string links;       ///< every veth pair, both ends born in their places
  std::vector<std::pair<std::string, std::string>> hosts;  ///< host -> addresses, bridges, routes
  std::vector<HostSetting> settings;
  std::string nat_rules;  ///< the base rules of host nat, for `nft -f`
};
NetworkPlan plan_network(const Topology& topology);

/// Carries the plan out in the caller's namespaces, with /run/netns writable.
void build_network(Children& children, const NetworkPlan& plan, targets::Done<void> done);

}  // namespace faultline::lab
