#include "tests/faults/world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

/// The faults of the platform's parts: database, spot nodes, NAT gateway, third party.
namespace faultline::faults {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> kinds_of(const std::vector<Check>& checks) {
  std::vector<std::string> kinds;
  for (const auto& check : checks) {
    kinds.push_back(check.kind);
  }
  return kinds;
}

TEST(DbFailover, EachModeHasItsOwnActionAndItsOwnProof) {
  const std::map<std::string, std::pair<std::string, std::string>> expected{
      {"crash", {"process.kill", "component.state"}},
      {"hang", {"process.stop", "component.state"}},
      {"isolate", {"network.isolate", "component.silent"}},
      {"switchover", {"database.switchover", "database.rw_not"}}};
  for (const auto& [mode, kinds] : expected) {
    const auto plan = planned("db_failover", {{"database", "orders"}, {"mode", mode}});
    EXPECT_EQ(plan.actions.front().kind, kinds.first) << mode;
    EXPECT_EQ(plan.effect.front().kind, kinds.second) << mode;
    EXPECT_THAT(plan.may_move, ElementsAre("database orders rw")) << mode;
    EXPECT_EQ(plan.instances.front(), "a-db") << mode;
  }
}

TEST(DbFailover, ASwitchoverIsAskedForByName) {
  const auto plan = planned("db_failover", {{"database", "orders"}, {"mode", "switchover"}});
  EXPECT_EQ(plan.actions.front().args, Json({{"database", "orders"}}));
  EXPECT_EQ(plan.effect.front().args, Json({{"database", "orders"}, {"component", "a-db"}}));
  EXPECT_EQ(plan.actions.front().undo_summary, "");
}

TEST(DbFailover, WithoutAWritableNodeThereIsNothingToLose) {
  auto w = world();
  w.components[1].labels.erase("role");
  EXPECT_THAT(refusal("db_failover", {{"database", "orders"}}, w),
              HasSubstr("database orders has no writable node now"));
}

TEST(DbFailover, ACacheIsNoDatabase) {
  EXPECT_THAT(refusal("db_failover", {{"database", "sessions"}}),
              HasSubstr("'sessions' is no database here"));
}

TEST(SpotReclaim, IsAnActionAnAnnouncementAndAnEndForEachNode) {
  const auto plan = planned("spot_reclaim", {{"instances", {"b-spot", "a-spot"}},
                                             {"notice", {{"ms", 6000}}},
                                             {"replace_after", {{"ms", 2000}}}});
  ASSERT_EQ(plan.actions.size(), 2u);
  EXPECT_EQ(plan.actions[0].kind, "spot.reclaim");
  EXPECT_EQ(plan.actions[0].id, "r1.f1.1");
  EXPECT_EQ(plan.actions[0].args, Json({{"component", "a-spot"},
                                        {"notice_ms", 6000},
                                        {"grace_ms", 1000},
                                        {"replace_after_ms", 2000}}));
  EXPECT_THAT(kinds_of(plan.effect), ElementsAre("spot.announced", "spot.announced"));
  EXPECT_THAT(kinds_of(plan.completion), ElementsAre("spot.gone", "spot.gone"));
  EXPECT_EQ(plan.completion[1].args, Json({{"component", "b-spot"}, {"action", "r1.f1.2"}}));
  EXPECT_EQ(plan.completes_within, 10s);
  EXPECT_THAT(plan.instances, ElementsAre("a-spot", "b-spot"));
  EXPECT_THAT(plan.resources, ElementsAre("component a-spot", "component b-spot"));
}

TEST(SpotReclaim, WithoutReplacementNoNewNodeComes) {
  const auto plan = planned("spot_reclaim", {{"instances", "a-spot"}, {"replace", "no"}});
  EXPECT_TRUE(plan.actions.front().args["replace_after_ms"].is_null());
  EXPECT_THAT(plan.actions.front().summary, HasSubstr("no new one"));
}

TEST(SpotReclaim, OnlySpotNodesAreTakenBack) {
  EXPECT_THAT(refusal("spot_reclaim", {{"instances", {"a-spot", "b-reserved"}}}),
              HasSubstr("b-reserved is no spot node"));
  EXPECT_THAT(refusal("spot_reclaim", {{"instances", "b-reserved"}}),
              HasSubstr("spot nodes are: a-spot, b-spot, c-spot"));
  EXPECT_THAT(refusal("spot_reclaim", {{"instances", "a-spt"}}),
              HasSubstr("did you mean 'a-spot'?"));
  EXPECT_THAT(refusal("spot_reclaim", {{"instances", "a-spot"}, {"notice", {{"ms", 400'000}}}}),
              HasSubstr("'notice' must be between 0 ms and 300000 ms"));
}

TEST(SpotReclaim, ANodeThatIsDownCannotBeTakenBack) {
  auto w = world();
  w.components[3].state = targets::ProcessState::dead;
  EXPECT_THAT(refusal("spot_reclaim", {{"instances", "a-spot"}}, w),
              HasSubstr("a-spot does not run now"));
}

TEST(SnatExhaustion, TheNeighbourHoldsAsManyFlowsAsOneEipHasPorts) {
  const auto plan = planned("snat_exhaustion", Json::object());
  ASSERT_EQ(plan.actions.size(), 1u);
  EXPECT_EQ(plan.actions[0].kind, "flows.hold");
  EXPECT_EQ(plan.actions[0].args, Json({{"host", "neighbour"}, {"to", "pay"}, {"flows", 2048}}));
  EXPECT_THAT(kinds_of(plan.effect), ElementsAre("nat.flows")) << "a second EIP has room";
  EXPECT_EQ(plan.effect[0].args, Json({{"to", "pay"}, {"from", "neighbour"}, {"at_least", 1986}}))
      << "97 %: the last are found by luck";
  const auto one = planned("snat_exhaustion", {{"flows", 1}});
  EXPECT_EQ(one.effect[0].args["at_least"], 1) << "none proves nothing";
}

TEST(SnatExhaustion, WhereThePoolIsFullANewFlowMustBeDropped) {
  auto w = world();
  w.nat.eips = 1;
  const auto plan = planned("snat_exhaustion", {{"mode", "hog"}}, w);
  EXPECT_THAT(kinds_of(plan.effect), ElementsAre("nat.flows", "nat.flow_dropped"));
  EXPECT_EQ(plan.effect[1].args, Json({{"from", "client"}, {"to", "pay"}}));
  const auto more = planned("snat_exhaustion", {{"flows", 5000}}, w);
  EXPECT_EQ(more.effect[0].args["at_least"], 1024) << "the services have ports of a full pool too";
}

TEST(SnatExhaustion, AShrunkPoolIsFilledElseNothingIsProved) {
  const auto plan = planned("snat_exhaustion", {{"mode", "shrink"}, {"eips", 1}, {"ports", 100}});
  ASSERT_EQ(plan.actions.size(), 2u);
  EXPECT_EQ(plan.actions[0].kind, "nat.shrink");
  EXPECT_EQ(plan.actions[0].args, Json({{"eips", 1}, {"ports_per_eip", 100}}));
  EXPECT_EQ(plan.actions[1].args["flows"], 100);
  EXPECT_THAT(kinds_of(plan.effect), ElementsAre("nat.flows", "nat.flow_dropped"));
  EXPECT_THAT(refusal("snat_exhaustion", {{"mode", "shrink"}, {"ports", 100}, {"flows", 50}}),
              HasSubstr("could not be proved"));
  EXPECT_THAT(refusal("snat_exhaustion", {{"mode", "shrink"}, {"eips", 2}, {"ports", 2048}}),
              HasSubstr("must leave fewer"));
}

TEST(SnatExhaustion, NeedsAGatewayANeighbourAndADestination) {
  auto w = world();
  w.nat = {};
  EXPECT_THAT(refusal("snat_exhaustion", Json::object(), w), HasSubstr("no NAT gateway"));
  w = world();
  w.hosts = {"client"};
  EXPECT_THAT(refusal("snat_exhaustion", Json::object(), w), HasSubstr("no host 'neighbour'"));
  w = world();
  w.components.pop_back();
  EXPECT_THAT(refusal("snat_exhaustion", Json::object(), w), HasSubstr("no third party"));
  w = world();
  w.components.push_back(component("mail", "dependency", "", {{"dependency", "mail"}}));
  EXPECT_THAT(refusal("snat_exhaustion", Json::object(), w), HasSubstr("name one"));
  EXPECT_EQ(refusal("snat_exhaustion", {{"dependency", "mail"}}, w), "");
}

TEST(ThirdParty, MustBeFastBeforeAndSlowAfter) {
  const auto plan = planned("third_party", {{"dependency", "pay"}});
  EXPECT_EQ(plan.actions.front().kind, "dependency.degrade");
  EXPECT_EQ(plan.actions.front().args, Json({{"dependency", "pay"},
                                             {"mode", "latency"},
                                             {"delay_ms", 30'000},
                                             {"status", 503},
                                             {"share_percent", 100.0}}));
  EXPECT_EQ(plan.before.front().kind, "dependency.good");
  EXPECT_EQ(plan.before.front().args, Json({{"dependency", "pay"}, {"within_ms", 500.0}}));
  EXPECT_EQ(plan.effect.front().args,
            Json({{"dependency", "pay"}, {"within_ms", 2000.0}, {"calls", 1}, {"at_least", 1}}));
}

TEST(ThirdParty, AShortDelayIsComparedWithItself) {
  const auto plan = planned("third_party", {{"dependency", "pay"}, {"delay", {{"ms", 200}}}});
  EXPECT_EQ(plan.before.front().args["within_ms"], 200);
  EXPECT_EQ(plan.effect.front().args["within_ms"], 200);
  EXPECT_THAT(refusal("third_party", {{"dependency", "pay"}, {"delay", {{"ms", 10}}}}),
              HasSubstr("'delay' must be between 50 ms"));
}

TEST(ThirdParty, AShareIsProvedWithSoManyCallsThatOneIsSurelyHit) {
  const auto plan =
      planned("third_party", {{"dependency", "pay"}, {"mode", "status"}, {"share", 10}});
  EXPECT_EQ(plan.actions.front().args["delay_ms"], 0) << "a status comes at once";
  EXPECT_EQ(plan.effect.front().args["calls"], 88);  // 0.9^88 = 0.00009
  EXPECT_EQ(plan.effect.front().args["at_least"], 1);
}

TEST(ThirdParty, AShareThatIsSlowMustBeSlowerThanChance) {
  const Json brief{{"dependency", "pay"}, {"share", 10}, {"delay", {{"ms", 499}}}};
  EXPECT_THAT(refusal("third_party", brief),
              HasSubstr("the delay must be at least 500 ms, found 499 ms"));
  auto enough = brief;
  enough["delay"] = {{"ms", 500}};
  EXPECT_EQ(refusal("third_party", enough), "");
  auto status = brief;
  status["mode"] = "status";
  EXPECT_EQ(refusal("third_party", status), "") << "a status is no matter of time";
}

TEST(ThirdParty, ABlackholeIsolatesItsHostForEveryCall) {
  const auto plan = planned("third_party", {{"dependency", "pay"}, {"mode", "blackhole"}});
  EXPECT_EQ(plan.actions.front().kind, "network.isolate");
  EXPECT_EQ(plan.actions.front().args, Json({{"host", "pay"}}));
  EXPECT_THAT(plan.resources, ElementsAre("dependency pay", "host pay"));
  EXPECT_THAT(plan.may_move, IsEmpty());
  EXPECT_THAT(refusal("third_party", {{"dependency", "pay"}, {"mode", "blackhole"}, {"share", 50}}),
              HasSubstr("has no 'share'"));
}

}  // namespace
}  // namespace faultline::faults
