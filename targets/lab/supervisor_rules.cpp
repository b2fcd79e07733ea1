#include "targets/lab/supervisor_rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

namespace faultline::lab {
namespace {

constexpr int first_port = 1024;

std::string table(const std::string& action, const std::string& chains) {
  return fmt::format("table {} {{\n{}}}\n", table_name(action), chains);
}

/// Before every other rule, whoever wrote it.
std::string chain(std::string_view hook, const std::string& rules) {
  return fmt::format(
      "  chain {0} {{\n    type filter hook {0} priority -300; policy accept;\n{1}  }}\n", hook,
      rules);
}

/// By flow: `snat to A-B` would give all flows of a node one EIP. The saddr leaves nat's own calls
/// as they are, which is what "direct" means.
std::string snat_rule(const Profile& profile) {
  const int last_port = first_port + profile.ports_per_eip - 1;
  const std::string flows = "    ip saddr 10.0.0.0/16 oifname \"ext\" ip protocol tcp snat ip to ";
  const auto addresses = eips(profile);
  if (addresses.size() == 1) {
    return fmt::format("{}{}:{}-{}\n", flows, addresses.front(), first_port, last_port);
  }
  std::vector<std::string> pool;
  for (const auto& address : addresses) {
    pool.push_back(fmt::format("{} : {} . {}-{}", pool.size(), address, first_port, last_port));
  }
  return fmt::format("{}jhash ip saddr . tcp sport mod {} map {{ {} }}\n", flows, pool.size(),
                     fmt::join(pool, ", "));
}

std::string pool_chain(std::string_view priority, const Profile& profile) {
  return fmt::format("  chain pool {{\n    type nat hook postrouting priority {};\n{}  }}\n",
                     priority, snat_rule(profile));
}

}  // namespace

std::string table_name(const std::string& action) {
  return "inet fl_" + action;
}

std::string nat_rules(const Profile& profile) {
  return fmt::format("table ip faultline {{\n{}}}\n", pool_chain("srcnat", profile));
}

std::string cut_rules(const std::string& action, const std::string& zone,
                      const std::string& direction) {
  std::string rules;
  if (direction != "inbound") {
    rules += fmt::format("    iifname \"zone-{}\" drop\n", zone);
  }
  if (direction != "outbound") {
    rules += fmt::format("    oifname \"zone-{}\" drop\n", zone);
  }
  return table(action, chain("forward", rules));
}

std::string loss_rules(const std::string& action, const std::string& zone, double percent) {
  constexpr int parts = 10'000;  // a hundredth of a percent
  const auto lost = std::lround(percent * parts / 100);
  const auto which =
      lost >= parts ? "" : fmt::format("numgen random mod {} < {} ", parts, lost);  // all: no draw
  return table(action, chain("forward", fmt::format("    iifname \"zone-{0}\" {1}drop\n"
                                                    "    oifname \"zone-{0}\" {1}drop\n",
                                                    zone, which)));
}

std::string isolate_rules(const std::string& action) {
  return table(action, chain("input", "    iifname != \"lo\" drop\n") +
                           chain("output", "    oifname != \"lo\" drop\n"));
}

std::string shrink_rules(const std::string& action, Profile profile, int eips, int ports_per_eip) {
  profile.eips = eips;
  profile.ports_per_eip = ports_per_eip;
  // Before the base rules: the first chain that translates a flow decides.
  return table(action, pool_chain("srcnat - 1", profile));
}

std::string delete_rules(const std::string& action) {
  return fmt::format("delete table {}\n", table_name(action));
}

}  // namespace faultline::lab
