#include "orchestrator/guard/guard_life.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::guard {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

/// A guard's decisions in words.
class GuardLifeTest : public testing::Test {
 protected:
  static std::string words(const GuardLife::Answer& c) { return fmt::format("ok {}", c.client); }
  static std::string words(const GuardLife::Relieve& c) {
    return fmt::format("relieve {}", c.client);
  }
  static std::string words(const GuardLife::Recover& c) {
    return fmt::format("recover {}{}", c.journal, c.owner_hangs ? ", its owner hangs" : "");
  }
  static std::string words(const GuardLife::GiveUp& c) { return "give up " + c.journal; }
  static std::string words(const GuardLife::Exit&) { return "exit"; }

  std::vector<std::string> on(const GuardLife::Event& event) {
    std::vector<std::string> all;
    for (const auto& command : life.on(event, now)) {
      all.push_back(std::visit([](const auto& c) { return words(c); }, command));
    }
    return all;
  }
  /// Looks as often as it wants to, for so long.
  std::vector<std::string> pass(Duration length) {
    std::vector<std::string> all;
    for (const auto end = now + length; now < end;) {
      now = std::max(now, life.due());
      for (auto& command : on(GuardLife::Tick{})) {
        all.push_back(command);
      }
    }
    return all;
  }

  Instant now{1000s};
  GuardLife life{now};
};

TEST_F(GuardLifeTest, WhoBeatsIsLeftAlone) {
  EXPECT_THAT(on(GuardLife::Attached{1, "r1"}), ElementsAre("ok 1"));
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(pass(1s), IsEmpty());
    EXPECT_THAT(on(GuardLife::Beat{1}), ElementsAre("ok 1"));
  }
}

TEST_F(GuardLifeTest, ADeathIsActedOnAtOnce) {
  on(GuardLife::Attached{1, "r1"});
  EXPECT_THAT(on(GuardLife::Lost{1}), ElementsAre("recover r1"));
}

TEST_F(GuardLifeTest, AHangIsActedOnWhenItsLeaseIsOver) {
  on(GuardLife::Attached{1, "r1"});
  EXPECT_THAT(pass(2750ms), IsEmpty());
  EXPECT_THAT(pass(250ms), ElementsAre("relieve 1", "recover r1, its owner hangs"));
  EXPECT_THAT(on(GuardLife::Beat{1}), ElementsAre("relieve 1")) << "it is told again when it wakes";
}

TEST_F(GuardLifeTest, AnOrderlyEndLeavesNothingToDo) {
  on(GuardLife::Attached{1, "r1"});
  EXPECT_THAT(on(GuardLife::Detached{1}), ElementsAre("ok 1"));
  EXPECT_THAT(on(GuardLife::Lost{1}), IsEmpty());
  EXPECT_THAT(pass(10s), ElementsAre("exit"));
}

TEST_F(GuardLifeTest, ADeathDuringTheRecoveryOfAHangStartsNoSecondOne) {
  on(GuardLife::Attached{1, "r1"});
  pass(3s);
  EXPECT_THAT(on(GuardLife::Lost{1}), IsEmpty());
  EXPECT_THAT(on(GuardLife::Recovered{"r1", true, false}), IsEmpty());
}

TEST_F(GuardLifeTest, WhoHadNothingOpenIsNotFencedAndStaysWatched) {
  on(GuardLife::Attached{1, "r1"});
  pass(3s);
  on(GuardLife::Recovered{"r1", true, true});
  EXPECT_THAT(on(GuardLife::Beat{1}), ElementsAre("ok 1"));
  EXPECT_THAT(pass(3250ms), ElementsAre("relieve 1", "recover r1, its owner hangs"))
      << "and a second hang is acted on as the first was";
}

TEST_F(GuardLifeTest, ARecoveryThatFailsIsTriedAgainLessAndLessOften) {
  on(GuardLife::Attached{1, "r1"});
  on(GuardLife::Lost{1});
  std::vector<Duration> pauses;
  for (int i = 1; i < GuardLife::attempts; ++i) {
    EXPECT_THAT(on(GuardLife::Recovered{"r1", false, false}), IsEmpty());
    const auto failed = now;
    while (pass(1ms).empty()) {
    }
    pauses.push_back(now - failed);
  }
  EXPECT_LE(pauses.front(), 1500ms);
  EXPECT_GE(pauses.back(), 15s);
  EXPECT_THAT(on(GuardLife::Recovered{"r1", false, false}), ElementsAre("give up r1"));
}

TEST_F(GuardLifeTest, AGuardThatStoodStillItselfAccusesNobody) {
  on(GuardLife::Attached{1, "r1"});
  now += 1min;  // the machine slept, or the guard was stopped
  EXPECT_THAT(on(GuardLife::Tick{}), IsEmpty());
  EXPECT_THAT(pass(2500ms), IsEmpty());
  EXPECT_THAT(pass(1s), ElementsAre("relieve 1", "recover r1, its owner hangs"));
}

TEST_F(GuardLifeTest, WhatAnEarlierGuardWasPuttingBackIsTakenUpAtItsStart) {
  EXPECT_THAT(on(GuardLife::Found{"r1"}), ElementsAre("recover r1"));
  EXPECT_THAT(on(GuardLife::Recovered{"r1", false, false}), IsEmpty());
  EXPECT_THAT(pass(2s), ElementsAre("recover r1"));
}

TEST_F(GuardLifeTest, AJournalFoundAtItsStartMayBelongToWhoIsAboutToAttach) {
  on(GuardLife::Found{"r1"});
  EXPECT_THAT(on(GuardLife::Recovered{"r1", false, false, true}), IsEmpty());
  EXPECT_THAT(pass(5s), IsEmpty());
  on(GuardLife::Attached{1, "r1"});
  EXPECT_THAT(on(GuardLife::Lost{1}), ElementsAre("recover r1"));
  EXPECT_THAT(on(GuardLife::Recovered{"r1", false, false, true}), IsEmpty());
  EXPECT_THAT(pass(2s), ElementsAre("recover r1")) << "a death is seen before its locks are free";
}

TEST_F(GuardLifeTest, NobodyAttachedAndNothingToPutBackEndsIt) {
  EXPECT_THAT(pass(10s), ElementsAre("exit"));
}

}  // namespace
}  // namespace faultline::guard
