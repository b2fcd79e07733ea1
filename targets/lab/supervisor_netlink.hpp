#pragma once

#include "targets/error.hpp"

#include <cstdint>
#include <map>
#include <string>

/// What the kernel holds for a host's network, read over netlink: no process is started, so it may
/// be asked often.
namespace faultline::lab {

/// The contents of an nftables table. Two with the same digest have the same chains and rules,
/// whoever wrote them and when; counters, sets' elements and handles do not count.
struct RuleTable {
  int chains = 0;
  int rules = 0;
  std::uint32_t digest = 0;
  bool operator==(const RuleTable&) const = default;
  /// "1 chain, 2 rules, digest 5f3a9c21"
  [[nodiscard]] std::string in_words() const;
};

/// By family and name: "inet fl_run.f.0".
using RuleTables = std::map<std::string, RuleTable>;

/// Every table of the host, as of one moment.
Result<RuleTables> rule_tables(const std::string& host);

/// By what it leads to: {"10.0.1.0/24", "via 10.0.101.2 dev zone-a"}, {"default", "via 10.0.1.1 dev
/// eth0"}; `link_down` follows where that is so.
using Routes = std::map<std::string, std::string>;
constexpr std::string_view link_down = " (link down)";

/// The host's IPv4 routes, as of one moment.
Result<Routes> routes(const std::string& host);

}  // namespace faultline::lab
