#include "targets/lab/supervisor_health.hpp"
#include "targets/lab/supervisor_network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::lab {
namespace {

using testing::ElementsAre;
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

TEST(NetworkPlan, AZoneHangsOnTheInterfaceThatCutsName) {
  const auto plan = plan_network(make_topology(profile("hardened").value()));
  EXPECT_THAT(plan.links, HasSubstr("netns a-router type veth peer name zone-a netns core"));
  EXPECT_THAT(commands_of(plan, "core"), HasSubstr("route add 10.0.1.0/24 via 10.0.101.2"));
  EXPECT_THAT(plan.forwarding, ElementsAre("core", "a-router", "b-router", "c-router"));
}

TEST(NetworkPlan, AHostHasItsAddressAndItsZonesGateway) {
  const auto plan = plan_network(make_topology(profile("hardened").value()));
  EXPECT_THAT(commands_of(plan, "b-redis"), HasSubstr("address add 10.0.2.20/24 dev eth0"));
  EXPECT_THAT(commands_of(plan, "b-redis"), HasSubstr("route add default via 10.0.2.1"));
  EXPECT_THAT(commands_of(plan, "client"), HasSubstr("route add default via 10.0.0.1"));
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

TEST(BalancerStat, GivesTheStatusOfEveryServer) {
  const auto servers = parse_balancer_stat(
      "# pxname,svname,qcur,status,weight\n"
      "web,FRONTEND,,OPEN,\n"
      "app,a-spot,0,UP,1\n"
      "app,b-spot,0,DOWN,1\n"
      "app,BACKEND,0,UP,2\n\n");
  EXPECT_THAT(servers, ElementsAre(std::pair("app/a-spot", "UP"), std::pair("app/b-spot", "DOWN")));
}

TEST(Unmet, NamesWhatIsNotAsItMustBe) {
  EXPECT_THAT(unmet({{"component a-redis", "dead", "healthy"},
                     {"component b-redis", "healthy", "healthy"},
                     {"cache sessions primary", "b-redis", ""}}),
              ElementsAre("component a-redis: dead"));
}

}  // namespace
}  // namespace faultline::lab
