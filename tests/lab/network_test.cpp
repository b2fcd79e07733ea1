#include "targets/lab/supervisor_network.hpp"
#include "targets/lab/supervisor_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::lab {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string commands_of(const NetworkPlan& plan, std::string_view host) {
  for (const auto& [name, commands] : plan.hosts) {
    if (name == host) {
      return commands;
    }
  }
  return "";
}

std::string setting(const NetworkPlan& plan, std::string_view host, std::string_view file) {
  for (const auto& s : plan.settings) {
    if (s.host == host && s.file.ends_with(file)) {
      return s.value;
    }
  }
  return "";
}

NetworkPlan hardened_plan() {
  return plan_network(make_topology(profile("hardened").value()));
}

TEST(NetworkPlan, AZoneHangsOnTheInterfaceThatCutsName) {
  const auto plan = hardened_plan();
  EXPECT_THAT(commands_of(plan, "core"), HasSubstr("route add 10.0.1.0/24 via 10.0.101.2"));
  EXPECT_THAT(commands_of(plan, "core"), HasSubstr("address add 10.0.101.1/30 dev zone-a"));
  for (const auto* router : {"core", "a-router", "b-router", "c-router", "nat"}) {
    EXPECT_EQ(setting(plan, router, "ip_forward"), "1") << router;
  }
  EXPECT_EQ(setting(plan, "client", "ip_forward"), "");
}

TEST(NetworkPlan, EveryLinkBetweenAZoneAndCoreIsCutOpenInTheWire) {
  const auto plan = hardened_plan();
  EXPECT_THAT(plan.links, HasSubstr("netns a-router type veth peer name zone-a netns wire"));
  EXPECT_THAT(plan.links, HasSubstr("netns core type veth peer name core-a netns wire"));
  EXPECT_THAT(commands_of(plan, "wire"), HasSubstr("link set zone-b up\nlink set core-b up\n"));
  EXPECT_THAT(commands_of(plan, "wire"), Not(HasSubstr("address")));
}

TEST(NetworkPlan, BothEndsOfAWireKnowEachOtherBeforeTheFirstPacket) {
  const auto plan = hardened_plan();
  EXPECT_THAT(plan.links, HasSubstr("link add core address 02:fa:00:00:01:02 netns a-router"));
  EXPECT_THAT(commands_of(plan, "core"),
              HasSubstr("neigh add 10.0.101.2 lladdr 02:fa:00:00:01:02 dev zone-a nud permanent"));
  EXPECT_THAT(commands_of(plan, "a-router"),
              HasSubstr("neigh add 10.0.101.1 lladdr 02:fa:00:00:01:01 dev core nud permanent"));
}

TEST(NetworkPlan, AHostHasItsAddressAndItsZonesGateway) {
  const auto plan = hardened_plan();
  EXPECT_THAT(commands_of(plan, "b-redis"), HasSubstr("address add 10.0.2.20/24 dev eth0"));
  EXPECT_THAT(commands_of(plan, "b-redis"), HasSubstr("route add default via 10.0.2.1"));
  EXPECT_THAT(commands_of(plan, "client"), HasSubstr("route add default via 10.0.0.1"));
}

TEST(NetworkPlan, TheThirdPartyIsReachedThroughTheNatAlone) {
  const auto plan = hardened_plan();
  EXPECT_THAT(commands_of(plan, "core"), HasSubstr("route add 198.51.100.0/24 via 10.0.0.40"));
  EXPECT_THAT(commands_of(plan, "neighbour"), HasSubstr("route add 198.51.100.0/24 via 10.0.0.40"));
  EXPECT_THAT(commands_of(plan, "pay"), HasSubstr("route add default via 198.51.100.1"));
  EXPECT_THAT(commands_of(plan, "nat"), HasSubstr("address add 198.51.100.1/24 dev ext"));
  EXPECT_THAT(commands_of(plan, "nat"), HasSubstr("route add blackhole 203.0.113.0/24"));
  EXPECT_EQ(setting(plan, "a-spot", "tcp_syn_retries"), "1");
  EXPECT_EQ(setting(plan, "neighbour", "ip_local_port_range"), "1024 65535");
}

TEST(NetworkPlan, TheMetadataHasTheCloudsAddress) {
  const auto plan = hardened_plan();
  EXPECT_THAT(commands_of(plan, "control"), HasSubstr("address add 100.100.100.200/32 dev lo"));
  EXPECT_THAT(commands_of(plan, "core"), HasSubstr("route add 100.100.100.200/32 via 10.0.0.30"));
}

TEST(Rules, AFullCutDropsBothWays) {
  const auto rules = cut_rules("run.f.0", "a", "full");
  EXPECT_THAT(rules, HasSubstr("table inet fl_run.f.0 {"));
  EXPECT_THAT(rules, HasSubstr("iifname \"zone-a\" drop"));
  EXPECT_THAT(rules, HasSubstr("oifname \"zone-a\" drop"));
  EXPECT_THAT(rules, HasSubstr("hook forward priority -300"));
}

TEST(Rules, InboundIsTrafficIntoTheZone) {
  EXPECT_THAT(cut_rules("x", "a", "inbound"), HasSubstr("oifname"));
  EXPECT_THAT(cut_rules("x", "a", "inbound"), Not(HasSubstr("iifname")));
  EXPECT_THAT(cut_rules("x", "a", "outbound"), HasSubstr("iifname"));
  EXPECT_THAT(cut_rules("x", "a", "outbound"), Not(HasSubstr("oifname")));
}

TEST(Rules, ALossIsDrawnForEveryPacketOfTheZone) {
  const auto rules = loss_rules("x", "b", 5.0);
  EXPECT_THAT(rules, HasSubstr("iifname \"zone-b\" numgen random mod 10000 < 500 drop"));
  EXPECT_THAT(rules, HasSubstr("oifname \"zone-b\" numgen random mod 10000 < 500 drop"));
  EXPECT_THAT(loss_rules("x", "b", 100), HasSubstr("iifname \"zone-b\" drop"));
}

TEST(Rules, TwoEipsShareTheFlowsOneTakesThemAll) {
  Profile p = profile("hardened").value();
  EXPECT_THAT(nat_rules(p), HasSubstr("jhash ip saddr . tcp sport mod 2 map { 0 : 203.0.113.10 . "
                                      "1024-3071, 1 : 203.0.113.11 . 1024-3071 }"));
  EXPECT_THAT(nat_rules(profile("naive").value()), HasSubstr("snat ip to 203.0.113.10:1024-3071"));
  EXPECT_THAT(nat_rules(profile("naive", 64'512).value()), HasSubstr("203.0.113.10:1024-65535"));
}

TEST(Rules, AShrunkPoolDecidesBeforeTheBaseRules) {
  const auto rules = shrink_rules("x", profile("hardened").value(), 1, 64);
  EXPECT_THAT(rules, HasSubstr("table inet fl_x {"));
  EXPECT_THAT(rules, HasSubstr("priority srcnat - 1;"));
  EXPECT_THAT(rules, HasSubstr("snat ip to 203.0.113.10:1024-1087"));
}

}  // namespace
}  // namespace faultline::lab
