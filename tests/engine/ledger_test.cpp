#include "orchestrator/engine/ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::engine {
namespace {

using testing::HasSubstr;

targets::World world_of_six() {
  targets::World world;
  for (const std::string zone : {"a", "b", "c"}) {
    for (const std::string kind : {"reserved", "spot"}) {
      targets::Component c;
      c.name = zone + "-" + kind;
      c.labels = {{"service", "app"}};
      world.components.push_back(c);
    }
  }
  return world;
}

faults::Plan plan_for(std::vector<std::string> zones, std::vector<std::string> instances) {
  faults::Plan plan;
  plan.zones_cut = std::move(zones);
  plan.instances = std::move(instances);
  for (const auto& zone : plan.zones_cut) {
    plan.resources.push_back("zone " + zone);
  }
  return plan;
}

std::string refusal(Ledger& ledger, const faults::Plan& plan) {
  const auto claimed = ledger.claim("next", plan, world_of_six());
  return claimed ? "" : claimed.error().message;
}

TEST(Ledger, ClaimsAndReleases) {
  Ledger ledger({.zones_at_once = 1}, true);
  EXPECT_TRUE(ledger.claim("f1", plan_for({"a"}, {}), world_of_six()));
  EXPECT_THAT(refusal(ledger, plan_for({"b"}, {})), HasSubstr("zones_at_once: at most 1"));
  ledger.release("f1");
  EXPECT_EQ(refusal(ledger, plan_for({"b"}, {})), "");
}

TEST(Ledger, TwoFaultsMayHitOneZone) {
  Ledger ledger({.zones_at_once = 1}, true);
  EXPECT_TRUE(ledger.claim("f1", plan_for({"a"}, {}), world_of_six()));
  EXPECT_EQ(refusal(ledger, plan_for({"a"}, {})), "");
}

TEST(Ledger, CountsFaults) {
  Ledger ledger({.concurrent_faults = 1}, true);
  EXPECT_TRUE(ledger.claim("f1", plan_for({}, {}), world_of_six()));
  EXPECT_THAT(refusal(ledger, plan_for({}, {})), HasSubstr("concurrent_faults: at most 1"));
}

TEST(Ledger, LimitsTheShareOfAService) {
  Ledger ledger({.max_instances_percent = 34}, true);
  EXPECT_TRUE(ledger.claim("f1", plan_for({}, {"a-spot", "b-spot"}), world_of_six()));
  EXPECT_THAT(refusal(ledger, plan_for({}, {"c-spot"})), HasSubstr("of app, this would be 50 %"));
}

TEST(Ledger, ProtectsResourcesAndAsksForApproval) {
  Ledger guarded({.protected_resources = {"zone a"}}, true);
  EXPECT_THAT(refusal(guarded, plan_for({"a"}, {})), HasSubstr("'zone a' may not be touched"));
  Ledger careful({.needs_approval = {"irreversible"}}, true);
  auto plan = plan_for({}, {});
  EXPECT_EQ(refusal(careful, plan), "");
  plan.reversibility = faults::Reversibility::irreversible;
  EXPECT_THAT(refusal(careful, plan), HasSubstr("needs an approval"));
}

TEST(Ledger, TouchesNothingThatIsNotStaging) {
  Ledger ledger({}, false);
  EXPECT_THAT(refusal(ledger, plan_for({}, {})), HasSubstr("staging = true"));
}

}  // namespace
}  // namespace faultline::engine
