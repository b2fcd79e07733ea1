#include "targets/lab/supervisor_ownership.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::lab {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int first_client = 1;
constexpr int second_client = 2;

struct OwnershipTest : testing::Test {
  Ownership ownership{100};
  Instant start{};

  targets::Action action(std::string id) const {
    targets::Action a;
    a.id = std::move(id);
    a.kind = "network.cut";
    a.max_duration = 5min;
    return a;
  }
  /// Acquired at the start, one action in force.
  targets::Epoch with_action(const targets::Action& a) {
    const auto epoch = ownership.acquire("run one", 0, first_client, start).value();
    EXPECT_TRUE(ownership.arm(a, epoch, start));
    EXPECT_TRUE(ownership.begin_apply(a.id, epoch));
    return epoch;
  }
};

TEST_F(OwnershipTest, ASecondOwnerIsRefusedAndToldWhoHoldsIt) {
  ASSERT_TRUE(ownership.acquire("run one", 0, first_client, start));
  const auto second = ownership.acquire("run two", 0, second_client, start + 1s);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::refused);
  EXPECT_THAT(second.error().message, HasSubstr("run one"));
}

TEST_F(OwnershipTest, EachOwnerGetsAHigherEpochAndTheOldOneIsFenced) {
  const auto old_epoch = ownership.acquire("run one", 0, first_client, start).value();
  ASSERT_TRUE(ownership.release(old_epoch));
  const auto epoch = ownership.acquire("run two", 0, second_client, start).value();
  EXPECT_EQ(epoch, old_epoch + 1);
  EXPECT_EQ(ownership.renew(old_epoch, start).error().kind, ErrorKind::fenced);
  EXPECT_EQ(ownership.arm(action("x"), old_epoch, start).error().kind, ErrorKind::fenced);
  EXPECT_EQ(ownership.begin_apply("x", old_epoch).error().kind, ErrorKind::fenced);
  EXPECT_EQ(ownership.begin_revert("x", old_epoch).error().kind, ErrorKind::fenced);
  EXPECT_TRUE(ownership.renew(epoch, start));
}

TEST_F(OwnershipTest, NothingIsAppliedBeforeItIsArmed) {
  const auto epoch = ownership.acquire("run one", 0, first_client, start).value();
  EXPECT_EQ(ownership.begin_apply("x", epoch).error().kind, ErrorKind::refused);
  ASSERT_TRUE(ownership.arm(action("x"), epoch, start));
  EXPECT_THAT(ownership.in_force(start), IsEmpty());
  EXPECT_TRUE(ownership.begin_apply("x", epoch));
  EXPECT_THAT(ownership.in_force(start), SizeIs(1));
}

TEST_F(OwnershipTest, WhatIsNotRenewedIsRevertedAfterTheLease) {
  with_action(action("x"));
  EXPECT_THAT(ownership.tick(start + 9s).reverts, IsEmpty());
  const auto expired = ownership.tick(start + 10s);
  ASSERT_THAT(expired.reverts, SizeIs(1));
  EXPECT_EQ(expired.reverts[0].id, "x");
  ASSERT_THAT(expired.notices, SizeIs(2));
  EXPECT_EQ(expired.notices[0].name, "owner_lost");
  EXPECT_EQ(expired.notices[1].name, "deadline_fired");
  EXPECT_EQ(expired.notices[1].detail.at("action"), "x");
  EXPECT_EQ(ownership.owner(), "");
}

TEST_F(OwnershipTest, RenewingKeepsItUntilItsMaximumDurationAndNoLonger) {
  auto brief = action("x");
  brief.max_duration = 15s;
  const auto epoch = with_action(brief);
  ASSERT_TRUE(ownership.renew(epoch, start + 8s));
  EXPECT_THAT(ownership.tick(start + 14s).reverts, IsEmpty());
  ASSERT_TRUE(ownership.renew(epoch, start + 14s));
  const auto expired = ownership.tick(start + 15s);
  EXPECT_THAT(expired.reverts, SizeIs(1));
  ASSERT_THAT(expired.notices, SizeIs(1));
  EXPECT_EQ(expired.notices[0].detail.at("reason"), "max_duration");
  EXPECT_EQ(ownership.owner(), "run one") << "the owner is alive, only its action is over";
}

TEST_F(OwnershipTest, AnUndoThatFailsIsTriedAgainButAnnouncedOnce) {
  with_action(action("x"));
  EXPECT_THAT(ownership.tick(start + 10s).reverts, SizeIs(1));
  ownership.not_reverted("x");
  EXPECT_THAT(ownership.tick(start + 10s + 500ms).reverts, IsEmpty());
  const auto again = ownership.tick(start + 11s);
  EXPECT_THAT(again.reverts, SizeIs(1));
  EXPECT_THAT(again.notices, IsEmpty());
  ownership.reverted("x");
  EXPECT_THAT(ownership.tick(start + 20s).reverts, IsEmpty());
}

TEST_F(OwnershipTest, AnUndoThatIsStillPendingIsNotAskedForAgain) {
  const auto epoch = with_action(action("x"));
  ASSERT_TRUE(ownership.begin_revert("x", epoch)->has_value());
  EXPECT_THAT(ownership.tick(start + 10s).reverts, IsEmpty()) << "the owner's undo is under way";
  ownership.not_reverted("x");
  EXPECT_THAT(ownership.tick(start + 11s).reverts, SizeIs(1));
  EXPECT_THAT(ownership.tick(start + 60s).reverts, IsEmpty()) << "now the lab's own";
}

TEST_F(OwnershipTest, AClosedConnectionFreesTheLockButNotWhatIsInForce) {
  with_action(action("x"));
  EXPECT_FALSE(ownership.connection_closed(second_client));
  EXPECT_TRUE(ownership.connection_closed(first_client));
  const auto epoch = ownership.acquire("recovery", 0, second_client, start + 1s);
  ASSERT_TRUE(epoch);
  EXPECT_THAT(ownership.in_force(start + 1s), SizeIs(1));
  const auto undo = ownership.begin_revert("x", *epoch);
  ASSERT_TRUE(undo);
  EXPECT_TRUE(undo->has_value()) << "a later owner reverts what an earlier one left";
}

TEST_F(OwnershipTest, ALaterOwnersHeartbeatDoesNotKeepAnEarlierOnesActions) {
  with_action(action("x"));
  ownership.connection_closed(first_client);
  const auto epoch = ownership.acquire("run two", 0, second_client, start + 1s).value();
  ASSERT_TRUE(ownership.renew(epoch, start + 9s));
  EXPECT_THAT(ownership.tick(start + 10s).reverts, SizeIs(1));
}

TEST_F(OwnershipTest, ALapsedLockIsFreeForTheNext) {
  ASSERT_TRUE(ownership.acquire("run one", 0, first_client, start));
  EXPECT_TRUE(ownership.acquire("run two", 0, second_client, start + 10s));
}

TEST_F(OwnershipTest, AnActionArmedAndNeverAppliedIsForgotten) {
  const auto epoch = ownership.acquire("run one", 0, first_client, start).value();
  ASSERT_TRUE(ownership.arm(action("x"), epoch, start));
  EXPECT_THAT(ownership.tick(start + 10s).reverts, IsEmpty());
}

TEST_F(OwnershipTest, AnIdThatCannotNameARuleIsRefused) {
  const auto epoch = ownership.acquire("run one", 0, first_client, start).value();
  EXPECT_EQ(ownership.arm(action(""), epoch, start).error().kind, ErrorKind::usage);
  EXPECT_EQ(ownership.arm(action("x; flush ruleset"), epoch, start).error().kind, ErrorKind::usage);
  EXPECT_EQ(ownership.arm(action(std::string(129, 'x')), epoch, start).error().kind,
            ErrorKind::usage);
}

TEST_F(OwnershipTest, TheSameActionIsNotArmedOverOneInForce) {
  const auto epoch = with_action(action("x"));
  EXPECT_EQ(ownership.arm(action("x"), epoch, start).error().kind, ErrorKind::refused);
}

TEST_F(OwnershipTest, AGuardReplacesTheOwnerWhoseEpochItReadInTheJournal) {
  const auto hanging = ownership.acquire("run one", 0, first_client, start).value();
  EXPECT_EQ(ownership.acquire("guard", hanging - 1, second_client, start + 1s).error().kind,
            ErrorKind::refused)
      << "an older epoch says nothing about the owner of now";
  const auto guard = ownership.acquire("guard", hanging, second_client, start + 1s).value();
  EXPECT_GT(guard, hanging);
  EXPECT_EQ(ownership.renew(hanging, start + 2s).error().kind, ErrorKind::fenced);
  EXPECT_EQ(ownership.begin_revert("x", hanging).error().kind, ErrorKind::fenced);
  EXPECT_TRUE(ownership.renew(guard, start + 2s));
}

}  // namespace
}  // namespace faultline::lab
