#include "orchestrator/engine/ledger.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace faultline::engine {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

/// Three zones, each with a reserved and a spot node of "app", a node of the database "orders" and
/// one of the cache "sessions".
targets::World world_of_three() {
  targets::World world;
  for (const std::string zone : {"a", "b", "c"}) {
    world.zones.push_back(zone);
    const auto add = [&](const std::string& what, std::map<std::string, std::string> labels) {
      targets::Component c;
      c.name = c.host = zone + "-" + what;
      c.zone = zone;
      c.labels = std::move(labels);
      world.components.push_back(std::move(c));
    };
    add("reserved", {{"service", "app"}});
    add("spot", {{"service", "app"}});
    add("db", {{"database", "orders"}, {"role", zone == "a" ? "rw" : "ro"}});
    add("redis", {{"cache", "sessions"}, {"role", zone == "a" ? "primary" : "replica"}});
  }
  return world;
}
const targets::World world = world_of_three();
const WallTime friday = parse_date("2026-11-20").value() + 10h;

faults::Plan cut(const std::string& zone) {
  faults::Plan plan;
  plan.resources = {"zone " + zone};
  plan.zones_cut = {zone};
  for (const auto& component : world.components) {
    if (component.zone == zone) {
      plan.instances.push_back(component.name);
    }
  }
  return plan;
}

faults::Plan hit(std::vector<std::string> components) {
  faults::Plan plan;
  plan.instances = std::move(components);
  for (const auto& name : plan.instances) {
    plan.resources.push_back("component " + name);
  }
  return plan;
}

faults::Plan of_class(faults::Reversibility reversibility) {
  auto plan = hit({"a-db"});
  plan.reversibility = reversibility;
  return plan;
}

std::string claim(Ledger& ledger, const std::string& id, const faults::Plan& plan,
                  WallTime now = friday) {
  const auto claimed = ledger.claim({id, "az_partition", plan}, world, now);
  return claimed ? "" : claimed.error().message;
}

TEST(Ledger, ARefusalNamesRuleLimitRequestFileAndRemedy) {
  Ledger ledger({.zones_at_once = 1, .file = "env.lua"}, true);
  EXPECT_EQ(claim(ledger, "f1", cut("a")), "");
  EXPECT_EQ(
      claim(ledger, "f2", cut("b")),
      "guardrail zones_at_once: at most 1; az_partition of zone b would make 2 (a, b); revert "
      "what is in force first, or raise the guardrail (env.lua)");
  ledger.release("f1");
  EXPECT_EQ(claim(ledger, "f2", cut("b")), "");
}

TEST(Ledger, TwoFaultsMayHitOneZone) {
  Ledger ledger({.zones_at_once = 1}, true);
  EXPECT_EQ(claim(ledger, "f1", cut("a")), "");
  EXPECT_EQ(claim(ledger, "f2", cut("a")), "");
}

TEST(Ledger, CountsFaults) {
  Ledger ledger({.concurrent_faults = 1}, true);
  EXPECT_EQ(claim(ledger, "f1", hit({})), "");
  EXPECT_THAT(claim(ledger, "f2", hit({})), HasSubstr("concurrent_faults: at most 1; az_partition "
                                                      "would make 2"));
}

TEST(Ledger, LimitsTheShareOfEachService) {
  Ledger ledger({.max_instances_percent = 34}, true);
  EXPECT_EQ(claim(ledger, "f1", hit({"a-spot", "b-spot"})), "");
  EXPECT_EQ(claim(ledger, "f2", hit({"a-spot"})), "") << "it is hit already";
  EXPECT_THAT(claim(ledger, "f3", hit({"c-spot"})),
              HasSubstr("at most 34 % of app; az_partition of component c-spot would make 50 %"));
}

TEST(Ledger, KeepsTheQuorumOfAStoreHoweverItsNodesAreHit) {
  Ledger ledger({.keep_quorum = {"orders"}}, true);
  EXPECT_EQ(claim(ledger, "f1", cut("a")), "");
  EXPECT_THAT(
      claim(ledger, "f2", hit({"b-db"})),
      HasSubstr("keep_quorum: at most 1 of the 3 nodes of orders; az_partition of component "
                "b-db would make 2 (a-db, b-db)"));
  EXPECT_THAT(claim(ledger, "f2", cut("c")), HasSubstr("would make 2 (a-db, c-db)"));
  EXPECT_EQ(claim(ledger, "f2", hit({"b-redis"})), "") << "sessions is not asked for";
}

TEST(Ledger, OneOfTwoNodesMayBeHit) {
  auto two = world;
  std::erase_if(two.components, [](const auto& c) { return c.name == "c-redis"; });
  Ledger ledger({.keep_quorum = {"sessions"}}, true);
  const auto first = hit({"a-redis"}), second = hit({"b-redis"});
  EXPECT_TRUE(ledger.claim({"f1", "redis_failover", first}, two, friday));
  EXPECT_FALSE(ledger.claim({"f2", "redis_failover", second}, two, friday));
}

/// A cut zone takes everything in it along, and a hit component its host.
TEST(Ledger, ProtectsWhatIsTouchedAlong) {
  for (const std::string name : {"zone a", "component a-db", "host a-spot", "service app",
                                 "database orders", "cache sessions"}) {
    Ledger ledger({.protected_resources = {name}}, true);
    EXPECT_THAT(
        claim(ledger, "f1", cut("a")),
        HasSubstr(name + " may not be touched; az_partition of zone a would touch " + name));
  }
  Ledger ledger({.protected_resources = {"zone b"}}, true);
  EXPECT_EQ(claim(ledger, "f1", cut("a")), "");
  EXPECT_THAT(claim(ledger, "f2", hit({"b-spot"})), HasSubstr("would touch zone b"));
}

TEST(Ledger, ProtectedNamesThatAreNotThereAreAMistake) {
  EXPECT_TRUE(check_protected({.protected_resources = {"component a-db"}}, world));
  EXPECT_THAT(check_protected({.protected_resources = {"component a-bd"}}, world).error().message,
              HasSubstr("did you mean 'component a-db'?"));
}

TEST(Ledger, AsksForApprovalByClassAndAlwaysForTheIrreversible) {
  using faults::Reversibility;
  Ledger careful({.needs_approval = {"compensable"}}, true);
  EXPECT_EQ(claim(careful, "f1", of_class(Reversibility::restorable)), "");
  EXPECT_THAT(claim(careful, "f2", of_class(Reversibility::compensable)),
              HasSubstr("compensable, irreversible faults need one; az_partition of component a-db "
                        "would have none; give --approve \"WHO: REASON\""));
  Ledger plain({}, true);
  EXPECT_EQ(claim(plain, "f1", of_class(Reversibility::compensable)), "");
  EXPECT_THAT(claim(plain, "f2", of_class(Reversibility::irreversible)), HasSubstr("--approve"));
}

TEST(Ledger, RemembersWhichFaultsAnApprovalWasNeededFor) {
  using faults::Reversibility;
  Ledger ledger({}, true, true);
  EXPECT_EQ(claim(ledger, "f1", of_class(Reversibility::restorable)), "");
  EXPECT_EQ(claim(ledger, "f2", of_class(Reversibility::irreversible)), "");
  ledger.release("f2");
  EXPECT_THAT(ledger.approved(), ElementsAre("f2"));
}

TEST(Ledger, InjectsNothingInAFreeze) {
  Ledger ledger({.freeze = {{.days = {5}, .reason = "no changes before the weekend"}}}, true);
  EXPECT_EQ(claim(ledger, "f1", cut("a"), friday - 24h), "");
  EXPECT_THAT(
      claim(ledger, "f2", cut("a")),
      HasSubstr("nothing on fri UTC (no changes before the weekend); az_partition of zone a "
                "would be on fri 2026-11-20 10:00 UTC"));
}

TEST(Ledger, TouchesNothingThatIsNotStaging) {
  Ledger ledger({}, false);
  EXPECT_THAT(claim(ledger, "f1", hit({})), HasSubstr("staging = true"));
}

TEST(Ledger, FaultsThatAreAskedForTogetherCountTogether) {
  const Ledger ledger({.zones_at_once = 1}, true);
  const auto a = cut("a"), b = cut("b");
  const std::vector<Claim> both{{"f1", "az_partition", a}, {"f2", "az_partition", b}};
  EXPECT_FALSE(ledger.allows(both, world, friday));
  EXPECT_TRUE(ledger.allows(std::span(both).first(1), world, friday));
  EXPECT_EQ(ledger.held().faults, 0u) << "asking claims nothing";
}

TEST(Ledger, SaysHowNearEachLimitIs) {
  Ledger ledger({.zones_at_once = 2, .max_instances_percent = 50, .keep_quorum = {"orders"}}, true);
  const auto plan = cut("a");
  std::vector<std::string> near;
  for (const auto& reading : ledger.readings({"f1", "az_partition", plan}, world, friday)) {
    if (reading.most) {
      near.push_back(
          fmt::format("{} {:.0f} of {:.0f}", reading.rule, *reading.asked, *reading.most));
    }
  }
  EXPECT_THAT(near,
              ElementsAre("zones_at_once 1 of 2", "max_instances 33 of 50", "keep_quorum 1 of 1"));
}

/// Random claims and releases: whatever was granted never exceeds a limit, a refusal changes
/// nothing, and a release gives back exactly what was claimed.
TEST(Ledger, IsNeverExceeded) {
  const Guardrails limits{.zones_at_once = 1,
                          .concurrent_faults = 4,
                          .max_instances_percent = 50,
                          .keep_quorum = {"orders", "sessions"}};
  std::size_t granted = 0, refused = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    Ledger ledger(limits, true);
    std::map<std::string, faults::Plan> held;  // what must be in it
    for (int step = 0; step < 60; ++step) {
      const auto id = fmt::format("f{}", step);
      if (!held.empty() && random() % 3 == 0) {
        const auto which = std::next(held.begin(), static_cast<long>(random() % held.size()));
        ledger.release(which->first);
        held.erase(which);
      } else {
        const auto& zone = world.zones[random() % 3];
        const auto& one = world.components[random() % world.components.size()].name;
        const auto& other = world.components[random() % world.components.size()].name;
        const auto plan = random() % 3 == 0 ? cut(zone) : hit({one, other});
        const bool fits = claim(ledger, id, plan).empty();
        fits ? ++granted : ++refused;
        if (fits) {
          held.emplace(id, plan);
        }
      }
      std::set<std::string> zones, components;
      for (const auto& [holder, plan] : held) {
        zones.insert(plan.zones_cut.begin(), plan.zones_cut.end());
        components.insert(plan.instances.begin(), plan.instances.end());
      }
      const auto count = [&](const std::string& what) {
        return std::ranges::count_if(components, [&](const auto& c) { return c.ends_with(what); });
      };
      ASSERT_EQ(ledger.held().zones.hit, zones) << "seed " << seed;
      ASSERT_EQ(ledger.held().components.hit, components) << "seed " << seed;
      ASSERT_EQ(ledger.held().faults, held.size()) << "seed " << seed;
      ASSERT_LE(held.size(), 4u) << "seed " << seed;
      ASSERT_LE(zones.size(), 1u) << "seed " << seed;
      ASSERT_LE(count("-spot") + count("-reserved"), 3) << "seed " << seed;
      ASSERT_LE(count("-db"), 1) << "seed " << seed;
      ASSERT_LE(count("-redis"), 1) << "seed " << seed;
    }
  }
  EXPECT_GT(granted, 1000u);
  EXPECT_GT(refused, 1000u);
}

}  // namespace
}  // namespace faultline::engine
