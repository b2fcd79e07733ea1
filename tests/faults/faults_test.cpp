#include "faults/catalog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::faults {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Three zones, the cache `sessions` at home in a, one app node a zone.
World world() {
  World w;
  w.zones = {"a", "b", "c"};
  w.homes = {{"sessions", "a-redis"}};
  for (const auto& zone : w.zones) {
    targets::Component redis;
    redis.name = redis.host = zone + "-redis";
    redis.kind = "redis";
    redis.zone = zone;
    redis.labels = {{"cache", "sessions"}, {"role", zone == "a" ? "primary" : "replica"}};
    targets::Component app;
    app.name = app.host = zone + "-reserved";
    app.kind = "app";
    app.zone = zone;
    w.components.push_back(redis);
    w.components.push_back(app);
  }
  return w;
}

Plan planned(const std::string& fault, const Json& params, const World& w = world()) {
  const auto* kind = find(fault).value();
  return kind->plan(w, validate(*kind, params, w).value(), "r1.f1").value();
}

std::string refusal(const std::string& fault, const Json& params) {
  const auto valid = validate(*find(fault).value(), params, world());
  return valid ? "" : valid.error().message;
}

TEST(Faults, EveryKindIsCompleteAndHasDefaultsForItsModes) {
  for (const auto& kind : catalog()) {
    EXPECT_FALSE(kind.summary.empty()) << kind.name;
    EXPECT_FALSE(kind.capability.empty()) << kind.name;
    for (const auto& param : kind.params) {
      EXPECT_FALSE(param.doc.empty()) << kind.name << "." << param.name;
      if (param.type == ParamType::choice) {
        EXPECT_FALSE(param.fallback.is_null()) << kind.name << "." << param.name;
      }
    }
  }
}

TEST(Faults, AMisspeltNameGetsTheNearest) {
  EXPECT_THAT(find("redis_failovr").error().message, HasSubstr("did you mean 'redis_failover'?"));
  EXPECT_THAT(refusal("redis_failover", {{"cahce", "sessions"}}),
              HasSubstr("did you mean 'cache'?"));
  EXPECT_THAT(refusal("redis_failover", {{"cache", "session"}}),
              HasSubstr("did you mean 'sessions'?"));
  EXPECT_THAT(refusal("redis_failover", {{"cache", "sessions"}, {"mode", "krash"}}),
              HasSubstr("did you mean 'crash'?"));
  EXPECT_THAT(refusal("az_partition", {{"zone", "d"}}), HasSubstr("is no zone here"));
}

TEST(Faults, AWrongTypeOrAMissingParameterIsNamed) {
  EXPECT_THAT(refusal("az_partition", {{"zone", 1}}),
              HasSubstr("'zone' must be a name in quotes, found 1"));
  EXPECT_THAT(refusal("az_partition", Json::object()), HasSubstr("'zone' is missing"));
  EXPECT_THAT(refusal("az_partition", {{"zone", {{"ms", 20000}}}}),
              HasSubstr("a duration of 20000 ms"));
}

TEST(RedisFailover, CrashKillsThePrimaryAndProvesItsDeath) {
  const auto plan = planned("redis_failover", {{"cache", "sessions"}});
  ASSERT_EQ(plan.actions.size(), 1u);
  EXPECT_EQ(plan.actions[0].kind, "process.kill");
  EXPECT_EQ(plan.actions[0].args, Json({{"component", "a-redis"}}));
  EXPECT_EQ(plan.effect.front().args, Json({{"component", "a-redis"}, {"state", "dead"}}));
  EXPECT_THAT(plan.may_move, ElementsAre("cache sessions primary"));
  EXPECT_EQ(plan.reversibility, Reversibility::compensable);
}

TEST(RedisFailover, EachModeHasItsOwnActionAndItsOwnProof) {
  const std::map<std::string, std::pair<std::string, std::string>> expected{
      {"crash", {"process.kill", "component.state"}},
      {"hang", {"process.stop", "component.state"}},
      {"isolate", {"network.isolate", "component.silent"}},
      {"switchover", {"cache.switchover", "cache.primary_not"}}};
  for (const auto& [mode, kinds] : expected) {
    const auto plan = planned("redis_failover", {{"cache", "sessions"}, {"mode", mode}});
    EXPECT_EQ(plan.actions.front().kind, kinds.first) << mode;
    EXPECT_EQ(plan.effect.front().kind, kinds.second) << mode;
  }
}

TEST(RedisFailover, FollowsTheRoleNotTheName) {
  auto w = world();
  w.components[0].labels["role"] = "replica";
  w.components[2].labels["role"] = "primary";
  EXPECT_EQ(planned("redis_failover", {{"cache", "sessions"}}, w).instances.front(), "b-redis");
}

TEST(RedisFailover, WithoutAPrimaryThereIsNothingToLose) {
  auto w = world();
  w.components[0].labels["role"] = "replica";
  const auto* kind = find("redis_failover").value();
  const auto plan = kind->plan(w, {{"cache", "sessions"}, {"mode", "crash"}}, "r1.f1");
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().kind, ErrorKind::not_found);
}

TEST(AzPartition, CutsTheZoneAndProvesItFromOutside) {
  const auto plan = planned("az_partition", {{"zone", "b"}, {"mode", "inbound"}});
  EXPECT_EQ(plan.actions.front().args, Json({{"zone", "b"}, {"direction", "inbound"}}));
  EXPECT_EQ(plan.effect.front().args, Json({{"from", "client"}, {"to", "b-reserved"}}));
  EXPECT_THAT(plan.zones_cut, ElementsAre("b"));
  EXPECT_EQ(plan.reversibility, Reversibility::restorable);
  EXPECT_TRUE(plan.may_move.empty());
}

TEST(AzPartition, TheZoneOfThePrimaryMovesTheRole) {
  const auto plan = planned("az_partition", {{"zone", "a"}});
  EXPECT_THAT(plan.may_move, ElementsAre("cache sessions primary"));
  EXPECT_EQ(plan.reversibility, Reversibility::compensable);
}

}  // namespace
}  // namespace faultline::faults
