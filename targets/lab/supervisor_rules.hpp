#pragma once

#include "targets/lab/topology.hpp"

#include <string>

/// The lab's nftables rules as text for `nft -f`. Those of an action are a table named after it, so
/// that deleting the name is the whole undo.
namespace faultline::lab {

/// The family and name of the action's table, as `nft` and RuleTables have it.
std::string table_name(const std::string& action);

/// Base rules of host nat: every flow of the network 10.0.0.0/16 out of `ext` gets a port of an EIP
/// of the pool, chosen by its source address and port.
std::string nat_rules(const Profile& profile);

/// For `core`. `direction`: "full", "inbound" (into the zone), "outbound".
std::string cut_rules(const std::string& action, const std::string& zone,
                      const std::string& direction);
/// For `core`: loses that share of the packets into the zone and of those out of it.
std::string loss_rules(const std::string& action, const std::string& zone, double percent);
/// For a host: leaves it nothing but lo.
std::string isolate_rules(const std::string& action);
/// For `nat`: new flows get the first `eips` EIPs only, with so many ports each; those that are
/// there keep theirs.
std::string shrink_rules(const std::string& action, Profile profile, int eips, int ports_per_eip);

/// Deletes the action's table, which must be there.
std::string delete_rules(const std::string& action);

}  // namespace faultline::lab
