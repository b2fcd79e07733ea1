#include "targets/lab/supervisor_reclaim.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Command = Reclaim::Command;
using namespace std::chrono_literals;

constexpr ReclaimTimes times{5s, 1s, 3s};
const Instant t0 = Instant(100s);

TEST(Reclaim, TheNodeIsAskedToEndWhenTheNoticeIsOver) {
  Reclaim reclaim(times, t0);
  EXPECT_EQ(reclaim.next(), t0 + 5s);
  EXPECT_THAT(reclaim.tick(t0 + 4900ms), IsEmpty());
  EXPECT_THAT(reclaim.tick(t0 + 5s), ElementsAre(Command::terminate));
  EXPECT_EQ(reclaim.how_it_ended(), "");
}

TEST(Reclaim, ANodeThatEndsInItsGraceIsReplacedLater) {
  Reclaim reclaim(times, t0);
  reclaim.tick(t0 + 5s);
  reclaim.ended(t0 + 5200ms, "exited with code 0");
  EXPECT_EQ(reclaim.how_it_ended(), "exited with code 0, 200 ms after SIGTERM");
  EXPECT_EQ(reclaim.next(), t0 + 8200ms);
  EXPECT_THAT(reclaim.tick(t0 + 8200ms), ElementsAre(Command::withdraw, Command::start));
  EXPECT_FALSE(reclaim.next());
  EXPECT_THAT(reclaim.how_it_ended(), HasSubstr("code 0")) << "also after the replacement";
}

TEST(Reclaim, ANodeThatDoesNotEndIsKilled) {
  Reclaim reclaim(times, t0);
  reclaim.tick(t0 + 5s);
  EXPECT_THAT(reclaim.tick(t0 + 6s), ElementsAre(Command::kill));
  reclaim.ended(t0 + 6001ms, "killed by signal 9");
  EXPECT_THAT(reclaim.how_it_ended(), HasSubstr("killed by signal 9, 1"));
}

TEST(Reclaim, WithoutAReplacementItStaysDead) {
  Reclaim reclaim({5s, 1s, std::nullopt}, t0);
  reclaim.tick(t0 + 5s);
  reclaim.ended(t0 + 5100ms, "exited with code 0");
  EXPECT_FALSE(reclaim.next());
  EXPECT_THAT(reclaim.revert(), ElementsAre(Command::withdraw, Command::start));
}

TEST(Reclaim, ARevertInTheNoticeOnlyWithdraws) {
  Reclaim reclaim(times, t0);
  EXPECT_THAT(reclaim.revert(), ElementsAre(Command::withdraw, Command::start));
  EXPECT_FALSE(reclaim.next());
  EXPECT_THAT(reclaim.tick(t0 + 1h), IsEmpty());
}

TEST(Reclaim, ARevertInTheGraceWaitsForTheEndSoThatTheNodeIsNotLost) {
  Reclaim reclaim(times, t0);
  reclaim.tick(t0 + 5s);
  EXPECT_THAT(reclaim.revert(), ElementsAre(Command::kill, Command::withdraw, Command::start));
  reclaim.ended(t0 + 5100ms, "killed by signal 9");
  EXPECT_FALSE(reclaim.next()) << "the revert has taken over";
}

TEST(Reclaim, RevertingTwiceIsAsGoodAsOnce) {
  Reclaim reclaim(times, t0);
  reclaim.revert();
  EXPECT_THAT(reclaim.revert(), ElementsAre(Command::withdraw, Command::start));
}

TEST(Reclaim, ACrashDuringTheNoticeIsNotTheReclaims) {
  Reclaim reclaim(times, t0);
  reclaim.ended(t0 + 1s, "killed by signal 11");
  EXPECT_EQ(reclaim.how_it_ended(), "");
  EXPECT_EQ(reclaim.next(), t0 + 5s) << "the cloud goes on all the same";
  EXPECT_THAT(reclaim.tick(t0 + 5s), ElementsAre(Command::terminate));
  reclaim.found_dead(t0 + 5s);
  EXPECT_EQ(reclaim.how_it_ended(), "killed by signal 11 before SIGTERM");
  EXPECT_THAT(reclaim.tick(t0 + 8s), ElementsAre(Command::withdraw, Command::start));
}

}  // namespace
}  // namespace faultline::lab
