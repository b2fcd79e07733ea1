#include "tests/faults/world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::faults {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

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
  w.components[4].labels["role"] = "primary";
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

TEST(AzPartition, TheZoneOfThePrimariesMovesTheirRoles) {
  const auto plan = planned("az_partition", {{"zone", "a"}});
  EXPECT_THAT(plan.may_move, ElementsAre("database orders rw", "cache sessions primary"));
  EXPECT_EQ(plan.reversibility, Reversibility::compensable);
}

TEST(AzPartition, LossIsProvedByHalfOfWhatPingsMustLoseBothWays) {
  const auto plan = planned("az_partition", {{"zone", "b"}, {"mode", "loss"}, {"loss", 20}});
  EXPECT_EQ(plan.actions.front().kind, "network.loss");
  EXPECT_EQ(plan.actions.front().args, Json({{"zone", "b"}, {"percent", 20.0}}));
  EXPECT_EQ(plan.effect.front().kind, "network.loses");
  EXPECT_EQ(plan.effect.front().args,  // 1 - 0.8^2 = 36 % are lost on average
            Json({{"from", "client"}, {"to", "b-reserved"}, {"at_least_percent", 18.0}}));
  EXPECT_LE(plan.effect_within, std::chrono::seconds(4));
}

TEST(AzPartition, ALittleLossIsLookedAtSeveralTimes) {
  const auto plan = planned("az_partition", {{"zone", "b"}, {"mode", "loss"}, {"loss", 0.5}});
  EXPECT_EQ(plan.effect.front().args["at_least_percent"], 0.5);
  EXPECT_GE(plan.effect_within, std::chrono::seconds(9));
}

TEST(AzPartition, ALossThatCannotBeSeenIsRefused) {
  EXPECT_THAT(refusal("az_partition", {{"zone", "b"}, {"mode", "loss"}, {"loss", 0.1}}),
              HasSubstr("a loss of 0.1 % cannot be proved"));
  EXPECT_EQ(refusal("az_partition", {{"zone", "b"}, {"mode", "loss"}, {"loss", 0.25}}), "");
  EXPECT_EQ(refusal("az_partition", {{"zone", "b"}, {"mode", "loss"}, {"loss", 100}}), "");
}

TEST(AzPartition, LatencyIsProvedByTheRoundTripItAdds) {
  const auto plan = planned(
      "az_partition",
      {{"zone", "b"}, {"mode", "latency"}, {"latency", {{"ms", 40}}}, {"jitter", {{"ms", 5}}}});
  EXPECT_EQ(plan.actions.front().kind, "wire.shape");
  EXPECT_EQ(plan.actions.front().args,
            Json({{"zone", "b"}, {"delay_ms", 40.0}, {"jitter_ms", 5.0}, {"rate_mbit", 0}}));
  EXPECT_EQ(plan.effect.front().kind, "network.round_trip");
  EXPECT_EQ(plan.effect.front().args["at_least_ms"], 80);
}

TEST(AzPartition, AZoneWithoutNodesCannotBeProved) {
  auto w = world();
  std::erase_if(w.components, [](const auto& c) { return c.kind == "app" && c.zone == "c"; });
  EXPECT_THAT(refusal("az_partition", {{"zone", "c"}}, w), HasSubstr("no application node"));
}

}  // namespace
}  // namespace faultline::faults
