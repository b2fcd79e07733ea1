#include "tests/database/cluster_world.hpp"

#include <gmock/gmock.h>

namespace faultline::database {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct ClusterTest : testing::Test {
  ClusterWorld world;

  void SetUp() override {
    world.pass(1s);
    ASSERT_EQ(world.rw(), "a-db");
    ASSERT_EQ(world.in_sync(), 2u);
    world.a().rows = 100;
    world.pass(300ms);
  }
  void machine_dies(FakeNode& node) { node.answers = node.agent = false; }
  void machine_is_back(FakeNode& node) {
    node.answers = node.agent = true;
    node.writable = false;
    node.source.clear();
  }
};

TEST_F(ClusterTest, ANewClusterGivesTheRoleToItsHomeAndTheOthersFollow) {
  EXPECT_TRUE(world.a().writable);
  EXPECT_EQ(world.b().source, world.a().address);
  EXPECT_EQ(world.c().source, world.a().address);
  EXPECT_TRUE(world.cluster.status(world.now).moves.empty()) << "the first role is no failover";
}

TEST_F(ClusterTest, ReadsGoToTheReplicasAndWritesToTheOne) {
  const auto doors = world.cluster.doors();
  EXPECT_EQ(doors.at("a-db").rw, Cluster::Door::open);
  EXPECT_EQ(doors.at("a-db").ro, Cluster::Door::leaving);
  EXPECT_EQ(doors.at("b-db").rw, Cluster::Door::closed);
  EXPECT_EQ(doors.at("b-db").ro, Cluster::Door::open);
  EXPECT_EQ(doors.at("c-db").ro, Cluster::Door::open);
}

TEST_F(ClusterTest, ACrashIsNoticedAfterTheDetectionTimeAndTheFurthestReplicaTakesOver) {
  world.c().received = 107;  // one confirmed more than the other got
  machine_dies(world.a());
  world.pass(900ms);
  EXPECT_EQ(world.count(Act::hold, "b-db"), 1) << "only the one when the cluster began";
  world.pass(500ms);
  EXPECT_EQ(world.rw(), "c-db");
  EXPECT_EQ(world.c().rows, 107u) << "it applied what it had received";
  world.pass(300ms);
  EXPECT_EQ(world.b().source, world.c().address);
  const auto moves = world.cluster.status(world.now).moves;
  ASSERT_EQ(moves.size(), 1u);
  EXPECT_EQ(moves[0].from, "a-db");
  EXPECT_EQ(moves[0].to, "c-db");
  EXPECT_EQ(moves[0].detected - moves[0].lost_contact, 1s);
  EXPECT_FALSE(moves[0].endpoint);
  world.cluster.endpoint_reached("c-db", world.now);
  EXPECT_EQ(world.cluster.status(world.now).moves[0].endpoint, world.now);
}

TEST_F(ClusterTest, WhatItNoticesAndDecidesIsToldOnceAndInOrder) {
  world.said();
  machine_dies(world.a());
  world.pass(900ms);
  EXPECT_THAT(world.said(), IsEmpty());
  world.pass(100ms);
  EXPECT_THAT(world.said(), ElementsAre("detected a-db"));
  world.pass(1s);
  EXPECT_THAT(world.said(), ElementsAre("decided b-db"));
  world.cluster.endpoint_reached("b-db", world.now);
  world.cluster.endpoint_reached("b-db", world.now);
  EXPECT_THAT(world.said(), ElementsAre("done b-db"));
  machine_is_back(world.a());
  world.pass(2s);
  EXPECT_THAT(world.said(), IsEmpty());
}

TEST_F(ClusterTest, ALossThatNobodyMayTakeOverFromIsDetectedAndNothingIsDecided) {
  world.said();
  machine_dies(world.a());
  machine_dies(world.b());
  world.pass(3s);
  EXPECT_THAT(world.said(), ElementsAre("detected a-db"));
  machine_is_back(world.b());
  world.pass(1s);
  EXPECT_THAT(world.said(), ElementsAre("decided b-db"));
  EXPECT_GE(world.cluster.status(world.now).moves.at(0).detected, world.now - 3100ms)
      << "when it was first seen, not when it could be answered";
}

TEST_F(ClusterTest, ASwitchoverThatIsAskedForIsDecidedAndNothingIsDetected) {
  world.said();
  ASSERT_TRUE(world.cluster.ask_switchover("c-db", world.now));
  world.pass(1s);
  EXPECT_THAT(world.said(), ElementsAre("decided c-db"));
}

TEST_F(ClusterTest, ACrashedNodeThatReturnsFollowsAndIsNotKilled) {
  machine_dies(world.a());
  world.pass(2s);
  machine_is_back(world.a());
  world.pass(1s);
  EXPECT_EQ(world.count(Act::fence, "a-db"), 0);
  EXPECT_EQ(world.count(Act::reclone, "a-db"), 0);
  EXPECT_EQ(world.rw(), "b-db") << "the role does not come back by itself";
  EXPECT_EQ(world.in_sync(), 2u);
}

TEST_F(ClusterTest, AnIsolatedPrimaryIsLeftAloneUntilItCanBeReachedAndThenKilled) {
  machine_dies(world.a());  // for the manager; it goes on and believes in itself
  world.pass(3s);
  EXPECT_TRUE(world.a().writable);
  EXPECT_EQ(world.rw(), "b-db");
  EXPECT_EQ(world.cluster.doors().at("a-db"), Cluster::Doors{});
  world.a().answers = world.a().agent = true;
  world.pass(200ms);
  EXPECT_EQ(world.count(Act::fence, "a-db"), 1);
  world.pass(1s);
  EXPECT_FALSE(world.a().writable);
  EXPECT_EQ(world.in_sync(), 2u);
}

TEST_F(ClusterTest, AHungServerOnAMachineThatAnswersIsKilledAndStarted) {
  world.b().answers = false;  // its agent still does
  world.pass(1500ms);
  EXPECT_EQ(world.count(Act::revive, "b-db"), 1);
  world.pass(1s);
  EXPECT_EQ(world.in_sync(), 2u);
  EXPECT_EQ(world.rw(), "a-db");
}

TEST_F(ClusterTest, AShortSilenceChangesNothing) {
  world.a().answers = false;
  world.pass(800ms);
  world.a().answers = true;
  world.pass(1s);
  EXPECT_EQ(world.rw(), "a-db");
  EXPECT_EQ(world.count(Act::fence, "a-db"), 0);
  EXPECT_TRUE(world.cluster.status(world.now).moves.empty());
}

TEST_F(ClusterTest, APrimaryThatRestartedReadOnlyMayBePromotedAgainAtOnce) {
  machine_is_back(world.a());
  world.pass(400ms);
  EXPECT_EQ(world.rw(), "a-db") << "of equals the home";
  EXPECT_TRUE(world.a().writable);
  world.pass(500ms);
  EXPECT_EQ(world.in_sync(), 2u);
}

TEST_F(ClusterTest, APrimaryThatRestartedWithoutItsTailGivesWayToTheReplicaThatHasIt) {
  world.b().rows = world.b().received = 101;
  machine_is_back(world.a());
  world.pass(500ms);
  EXPECT_EQ(world.rw(), "b-db");
  EXPECT_EQ(world.cluster.status(world.now).moves.at(0).why, "a-db restarted and is read-only");
}

TEST_F(ClusterTest, ALostReplicaLeavesTheReadEndpointAndReturnsInSync) {
  machine_dies(world.c());
  world.pass(1500ms);
  EXPECT_FALSE(world.serves_reads("c-db"));
  EXPECT_TRUE(world.serves_reads("b-db"));
  EXPECT_EQ(world.rw(), "a-db");
  machine_is_back(world.c());
  world.pass(1s);
  EXPECT_TRUE(world.serves_reads("c-db"));
}

TEST_F(ClusterTest, WithoutReplicasThePrimaryServesReads) {
  machine_dies(world.b());
  machine_dies(world.c());
  world.pass(1500ms);
  EXPECT_EQ(world.rw(), "a-db");
  EXPECT_TRUE(world.serves_reads("a-db"));
}

TEST_F(ClusterTest, OneNodeOfThreeIsNotPromotedBecauseAConfirmedRowMayBeElsewhere) {
  machine_dies(world.a());
  machine_dies(world.b());
  world.pass(5s);
  EXPECT_EQ(world.rw(), "");
  EXPECT_FALSE(world.c().writable);
  EXPECT_TRUE(world.serves_reads("c-db")) << "reads go on";
  machine_is_back(world.b());
  world.pass(1500ms);
  EXPECT_NE(world.rw(), "");
  machine_is_back(world.a());
  world.pass(2s);
  EXPECT_EQ(world.in_sync(), 2u) << "all are back";
}

TEST_F(ClusterTest, ANodeThatDoesNotTellWhatItReceivedIsWaitedForBecauseItMayHaveAConfirmedRow) {
  world.c().received = 107;
  world.c().tells = false;
  machine_dies(world.a());
  world.pass(2s);
  EXPECT_EQ(world.rw(), "") << "b-db alone would lose rows";
  EXPECT_FALSE(world.b().writable);
  world.c().tells = true;
  world.pass(1s);
  EXPECT_EQ(world.rw(), "c-db");
  EXPECT_EQ(world.c().rows, 107u);
}

TEST_F(ClusterTest, AsynchronouslyTheLastNodeIsPromoted) {
  ClusterWorld naive(false, 15s);
  naive.pass(1s);
  machine_dies(naive.a());
  machine_dies(naive.b());
  naive.pass(14s);
  EXPECT_EQ(naive.rw(), "");
  naive.pass(2s);
  EXPECT_EQ(naive.rw(), "c-db");
}

TEST_F(ClusterTest, ANodeThatDivergedGetsNewDataAndFollows) {
  machine_dies(world.a());
  world.pass(2s);
  machine_is_back(world.a());
  world.a().diverged = true;
  world.pass(2s);
  EXPECT_EQ(world.count(Act::reclone, "a-db"), 1);
  EXPECT_EQ(world.in_sync(), 2u);
}

TEST_F(ClusterTest, ANewManagerAdoptsTheRolesThatItFinds) {
  ASSERT_TRUE(world.cluster.ask_switchover("b-db", world.now));
  world.pass(1s);
  ASSERT_EQ(world.rw(), "b-db");
  world.done.clear();
  world.restart_manager();
  world.pass(1s);
  EXPECT_EQ(world.rw(), "b-db");
  EXPECT_EQ(world.in_sync(), 2u);
  EXPECT_TRUE(world.done.empty()) << "nothing needed to be done";
}

TEST_F(ClusterTest, ANewManagerFindsTwoWritableNodesAndKillsTheOneThatNobodyFollows) {
  machine_dies(world.a());
  world.pass(2s);
  ASSERT_EQ(world.rw(), "b-db");
  world.a().answers = world.a().agent = true;  // back, and it still believes in itself
  world.restart_manager();
  world.pass(2s);
  EXPECT_EQ(world.rw(), "b-db");
  EXPECT_EQ(world.count(Act::fence, "a-db"), 1);
  EXPECT_EQ(world.count(Act::fence, "b-db"), 0);
}

TEST_F(ClusterTest, OfTwoWritableNodesThatNobodyFollowsANewManagerKeepsTheFurther) {
  machine_dies(world.a());
  world.pass(2s);
  ASSERT_EQ(world.rw(), "b-db");
  world.b().rows = 120;
  machine_dies(world.c());
  world.a().answers = world.a().agent = true;  // back, and it still believes in itself
  world.restart_manager();
  world.pass(3s);
  EXPECT_EQ(world.rw(), "b-db");
  EXPECT_EQ(world.count(Act::fence, "b-db"), 0);
  EXPECT_EQ(world.count(Act::fence, "a-db"), 1);
}

TEST_F(ClusterTest, ASwitchoverMovesTheRoleAndNobodyIsKilled) {
  ASSERT_TRUE(world.cluster.ask_switchover("c-db", world.now));
  world.pass(1s);
  EXPECT_EQ(world.rw(), "c-db");
  EXPECT_FALSE(world.a().writable);
  EXPECT_EQ(world.in_sync(), 2u);
  EXPECT_EQ(world.count(Act::fence, "a-db"), 0);
  EXPECT_TRUE(world.cluster.status(world.now).moves.at(0).planned);
}

TEST_F(ClusterTest, ASwitchoverToNobodyInParticularPrefersTheHome) {
  ASSERT_TRUE(world.cluster.ask_switchover("c-db", world.now));
  world.pass(1s);
  ASSERT_TRUE(world.cluster.ask_switchover("", world.now));
  world.pass(1s);
  EXPECT_EQ(world.rw(), "a-db");
}

TEST_F(ClusterTest, ASwitchoverIsRefusedWhileTheRoleMovesOrTheTargetIsNotInSync) {
  const auto unknown = world.cluster.ask_switchover("d-db", world.now);
  EXPECT_EQ(unknown.error().kind, ErrorKind::refused);
  machine_dies(world.c());
  world.pass(300ms);
  EXPECT_FALSE(world.cluster.ask_switchover("c-db", world.now));
  ASSERT_TRUE(world.cluster.ask_switchover("b-db", world.now));
  const auto twice = world.cluster.ask_switchover("b-db", world.now);
  EXPECT_EQ(twice.error().message,
            "the writable role is moving already; try again when it has settled");
}

TEST_F(ClusterTest, ASwitchoverWhoseTargetFailsGivesTheRoleBack) {
  world.b().promotable = false;
  ASSERT_TRUE(world.cluster.ask_switchover("b-db", world.now));
  world.pass(1s);
  EXPECT_EQ(world.rw(), "a-db");
  EXPECT_TRUE(world.a().writable);
  EXPECT_EQ(world.cluster.status(world.now).given_up, "b-db: no answer");
  EXPECT_EQ(world.in_sync(), 2u);
}

TEST_F(ClusterTest, AnAnswerFromBeforeAPromotionDoesNotUndoIt) {
  const Observation old{"a-db", world.now - 2s, world.now, NodeView{}};
  world.cluster.observe(old);  // read-only, as it was before it was promoted
  EXPECT_TRUE(world.cluster.decide(world.now).empty());
  EXPECT_EQ(world.rw(), "a-db");
}

}  // namespace
}  // namespace faultline::database
