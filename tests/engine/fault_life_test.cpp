#include "orchestrator/engine/fault_life.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::engine {
namespace {

using namespace std::chrono_literals;
using State = FaultLife::State;
using testing::ElementsAre;

/// Commands in words, so that an order reads as a list.
std::vector<std::string> words(const std::vector<FaultLife::Command>& commands) {
  struct Visitor {
    std::string operator()(const FaultLife::Claim&) { return "claim"; }
    std::string operator()(const FaultLife::Record& r) { return "record " + r.type; }
    std::string operator()(const FaultLife::Arm& a) { return "arm " + std::to_string(a.action); }
    std::string operator()(const FaultLife::Apply& a) {
      return "apply " + std::to_string(a.action);
    }
    std::string operator()(const FaultLife::Look&) { return "look"; }
    std::string operator()(const FaultLife::Prove&) { return "prove"; }
    std::string operator()(const FaultLife::Complete&) { return "complete"; }
    std::string operator()(const FaultLife::Revert& r) {
      return "revert " + std::to_string(r.action);
    }
    std::string operator()(const FaultLife::Compare&) { return "compare"; }
    std::string operator()(const FaultLife::Release&) { return "release"; }
    std::string operator()(const FaultLife::Wake&) { return "wake"; }
  };
  std::vector<std::string> out;
  for (const auto& c : commands) {
    out.push_back(std::visit(Visitor{}, c));
  }
  return out;
}

class FaultLifeTest : public testing::Test {
 protected:
  std::vector<std::string> on(const FaultLife::Event& event) { return words(life.on(event, now)); }
  void hold() {
    on(FaultLife::Begin{});
    on(FaultLife::Claimed{});
    on(FaultLife::Recorded{});
    on(FaultLife::Armed{});
    on(FaultLife::Armed{});
    on(FaultLife::Applied{targets::Outcome::done, ""});
    on(FaultLife::Applied{targets::Outcome::done, ""});
    on(FaultLife::Proved{true, "it is dead"});
    ASSERT_EQ(life.state(), State::held);
  }

  /// One action, which must see something first and goes on to do something within 6 s of t0.
  void start_one_that_completes() {
    life = FaultLife({.resources = {"component x"},
                      .effect_within = 3s,
                      .looks_before = true,
                      .completes_within = 6s});
    on(FaultLife::Begin{});
    on(FaultLife::Claimed{});
    on(FaultLife::Recorded{});
    EXPECT_THAT(on(FaultLife::Armed{}), ElementsAre("look"));
  }
  void hold_one_that_completes() {
    start_one_that_completes();
    EXPECT_THAT(on(FaultLife::Looked{true, "it is fast"}), ElementsAre("apply 0"));
    on(FaultLife::Applied{targets::Outcome::done, ""});
    on(FaultLife::Proved{true, "it is announced"});
    ASSERT_EQ(life.state(), State::held);
  }

  FaultLife life{{.resources = {"zone a", "component x"}, .effect_within = 3s}};
  Instant now{1000s};
};

TEST_F(FaultLifeTest, ClaimsThenJournalsThenArmsThenAppliesThenProves) {
  EXPECT_THAT(on(FaultLife::Begin{}), ElementsAre("claim"));
  EXPECT_THAT(on(FaultLife::Claimed{}), ElementsAre("record intended"));
  EXPECT_THAT(on(FaultLife::Recorded{}), ElementsAre("arm 0"));
  EXPECT_THAT(on(FaultLife::Armed{}), ElementsAre("arm 1"));
  EXPECT_THAT(on(FaultLife::Armed{}), ElementsAre("apply 0"));
  EXPECT_THAT(on(FaultLife::Applied{targets::Outcome::done, ""}), ElementsAre("apply 1"));
  EXPECT_THAT(on(FaultLife::Applied{targets::Outcome::done, ""}),
              ElementsAre("record applied", "prove"));
  EXPECT_THAT(on(FaultLife::Proved{true, "seen"}), ElementsAre("wake")) << "to look again";
  EXPECT_TRUE(life.effect_proved());
}

TEST_F(FaultLifeTest, NothingIsArmedWhenTheJournalCannotBeWritten) {
  on(FaultLife::Begin{});
  on(FaultLife::Claimed{});
  EXPECT_THAT(on(FaultLife::Recorded{Error{ErrorKind::io, "disk full"}}), ElementsAre("release"));
  EXPECT_EQ(life.state(), State::refused);
  EXPECT_THAT(life.problem(), testing::HasSubstr("disk full"));
}

TEST_F(FaultLifeTest, ResourcesRevertInParallelAndThenTheEndStateIsCompared) {
  hold();
  EXPECT_THAT(on(FaultLife::End{""}), ElementsAre("revert 1", "revert 0", "record reverting"));
  EXPECT_THAT(on(FaultLife::Reverted{0, {}}), ElementsAre());
  EXPECT_THAT(on(FaultLife::Reverted{1, {}}), ElementsAre("record reverted", "compare"));
  EXPECT_THAT(on(FaultLife::Compared{false, {}}), ElementsAre("record closed", "release"));
  EXPECT_EQ(life.state(), State::closed);
}

TEST_F(FaultLifeTest, OnOneResourceTheNewestIsRevertedFirst) {
  life = FaultLife({.resources = {"zone a", "zone a"}, .effect_within = 3s});
  hold();
  EXPECT_THAT(on(FaultLife::End{""}), ElementsAre("revert 1", "record reverting"));
  EXPECT_THAT(on(FaultLife::Reverted{1, {}}), ElementsAre("revert 0"));
}

TEST_F(FaultLifeTest, AnUnknownOutcomeCountsAsDone) {
  hold();  // and so does the revert
  life = FaultLife({.resources = {"zone a"}, .effect_within = 3s});
  on(FaultLife::Begin{});
  on(FaultLife::Claimed{});
  on(FaultLife::Recorded{});
  on(FaultLife::Armed{});
  EXPECT_THAT(on(FaultLife::Applied{targets::Outcome::unknown, "no answer"}),
              ElementsAre("record applied", "prove"));
}

TEST_F(FaultLifeTest, ARefusedSecondActionRevertsTheFirst) {
  on(FaultLife::Begin{});
  on(FaultLife::Claimed{});
  on(FaultLife::Recorded{});
  on(FaultLife::Armed{});
  on(FaultLife::Armed{});
  on(FaultLife::Applied{targets::Outcome::done, ""});
  EXPECT_THAT(on(FaultLife::Applied{targets::Outcome::refused, "no such host"}),
              ElementsAre("revert 1", "revert 0", "record reverting"));
  EXPECT_FALSE(life.effect_proved());
}

TEST_F(FaultLifeTest, AnEffectThatIsNotProvedInTimeIsReverted) {
  on(FaultLife::Begin{});
  on(FaultLife::Claimed{});
  on(FaultLife::Recorded{});
  on(FaultLife::Armed{});
  on(FaultLife::Armed{});
  on(FaultLife::Applied{targets::Outcome::done, ""});
  on(FaultLife::Applied{targets::Outcome::done, ""});
  EXPECT_THAT(on(FaultLife::Proved{false, "it answers"}), ElementsAre("wake"));
  EXPECT_THAT(on(FaultLife::Tick{}), ElementsAre("prove"));
  now += 3s;
  EXPECT_THAT(on(FaultLife::Proved{false, "it answers"}),
              ElementsAre("revert 1", "revert 0", "record reverting"));
  EXPECT_THAT(life.problem(), testing::HasSubstr("not proved within 3 s: it answers"));
}

TEST_F(FaultLifeTest, AnAbortDoesNotWaitForAnApplyThatIsUnderWay) {
  on(FaultLife::Begin{});
  on(FaultLife::Claimed{});
  on(FaultLife::Recorded{});
  on(FaultLife::Armed{});
  on(FaultLife::Armed{});
  EXPECT_THAT(on(FaultLife::End{"abort"}), ElementsAre("revert 1", "revert 0", "record reverting"));
  on(FaultLife::Reverted{1, {}});
  EXPECT_THAT(on(FaultLife::Reverted{0, {}}), ElementsAre("record reverted", "compare"));
  EXPECT_THAT(on(FaultLife::Compared{false, {}}), ElementsAre("record closed", "release"));
  EXPECT_FALSE(life.over()) << "the answer is still out";
  EXPECT_THAT(on(FaultLife::Applied{targets::Outcome::refused, "it was reverted"}), ElementsAre());
  EXPECT_TRUE(life.over());
  EXPECT_EQ(life.problem(), "abort");
}

TEST_F(FaultLifeTest, AnAbortBeforeTheJournalTouchesNothing) {
  on(FaultLife::Begin{});
  on(FaultLife::End{"abort"});
  EXPECT_THAT(on(FaultLife::Claimed{}), ElementsAre("release"));
  EXPECT_EQ(life.state(), State::refused);
}

TEST_F(FaultLifeTest, AnEnvironmentThatIsGoneHoldsNothingToRevert) {
  hold();
  on(FaultLife::End{""});
  on(FaultLife::Reverted{0, Error{ErrorKind::not_found, "the lab is gone"}});
  EXPECT_THAT(on(FaultLife::Reverted{1, Error{ErrorKind::not_found, "the lab is gone"}}),
              ElementsAre("record reverted", "compare"));
}

TEST_F(FaultLifeTest, AFailingRevertIsRetriedAndThenSaidAloud) {
  hold();
  on(FaultLife::End{""});
  on(FaultLife::Reverted{0, {}});
  for (int attempt = 1; attempt < FaultLife::revert_attempts; ++attempt) {
    EXPECT_THAT(on(FaultLife::Reverted{1, Error{ErrorKind::io, "reset"}}), ElementsAre("wake"));
    now += FaultLife::longest_backoff;
    EXPECT_THAT(on(FaultLife::Tick{}), ElementsAre("revert 1"));
  }
  EXPECT_THAT(on(FaultLife::Reverted{1, Error{ErrorKind::io, "reset"}}), ElementsAre());
  EXPECT_EQ(life.state(), State::stuck);
  EXPECT_THAT(life.residue(), ElementsAre("component x: reset"));
}

TEST_F(FaultLifeTest, ADifferenceMaySettleButNotForEver) {
  hold();
  on(FaultLife::End{""});
  on(FaultLife::Reverted{0, {}});
  on(FaultLife::Reverted{1, {}});
  EXPECT_THAT(on(FaultLife::Compared{false, {"a replica is missing"}}), ElementsAre("wake"));
  now += FaultLife::settling_limit;
  EXPECT_THAT(on(FaultLife::Tick{}), ElementsAre("compare"));
  EXPECT_THAT(on(FaultLife::Compared{false, {"a replica is missing"}}), ElementsAre());
  EXPECT_EQ(life.state(), State::stuck);
}

TEST_F(FaultLifeTest, WhileAnotherFaultIsInForceTheSettlingTimeDoesNotRun) {
  hold();
  on(FaultLife::End{""});
  on(FaultLife::Reverted{0, {}});
  on(FaultLife::Reverted{1, {}});
  on(FaultLife::Compared{true, {}});
  now += 2 * FaultLife::settling_limit;
  EXPECT_THAT(on(FaultLife::Tick{}), ElementsAre("compare"));
  EXPECT_THAT(on(FaultLife::Compared{false, {"a replica is missing"}}), ElementsAre("wake"));
}

TEST_F(FaultLifeTest, WithoutWhatItIsMeasuredAgainstNothingIsApplied) {
  start_one_that_completes();
  EXPECT_THAT(on(FaultLife::Looked{false, "it takes 900 ms"}),
              ElementsAre("revert 0", "record reverting"));
  EXPECT_THAT(life.problem(), testing::HasSubstr("nothing was applied"));
  EXPECT_THAT(life.problem(), testing::HasSubstr("it takes 900 ms"));
}

TEST_F(FaultLifeTest, AnAbortDuringTheLookAppliesNothing) {
  start_one_that_completes();
  EXPECT_THAT(on(FaultLife::End{"abort"}), ElementsAre("revert 0", "record reverting"));
  EXPECT_THAT(on(FaultLife::Looked{true, "it is fast"}), ElementsAre()) << "no apply";
  EXPECT_EQ(life.problem(), "abort");
}

TEST_F(FaultLifeTest, TheUndoWaitsForWhatTheFaultGoesOnToDo) {
  hold_one_that_completes();
  EXPECT_THAT(on(FaultLife::End{""}), ElementsAre("complete"));
  EXPECT_THAT(on(FaultLife::Completed{false, "it still runs"}), ElementsAre("wake"));
  EXPECT_THAT(on(FaultLife::Tick{}), ElementsAre("complete"));
  EXPECT_THAT(on(FaultLife::End{""}), ElementsAre()) << "asked twice";
  EXPECT_THAT(on(FaultLife::Completed{true, "it has exited"}),
              ElementsAre("revert 0", "record reverting"));
  EXPECT_TRUE(life.completed());
  EXPECT_FALSE(life.incomplete());
  EXPECT_EQ(life.completion(), "it has exited");
}

TEST_F(FaultLifeTest, WhatIsNotCompleteInTimeIsRevertedAndSaid) {
  hold_one_that_completes();
  on(FaultLife::End{""});
  now += 6s;
  EXPECT_THAT(on(FaultLife::Completed{false, "it still runs"}),
              ElementsAre("revert 0", "record reverting"));
  EXPECT_TRUE(life.incomplete());
  EXPECT_THAT(life.problem(), testing::HasSubstr("6 s after it began: it still runs"));
}

TEST_F(FaultLifeTest, AnAbortWaitsForNoCompletion) {
  hold_one_that_completes();
  on(FaultLife::End{""});
  EXPECT_THAT(on(FaultLife::End{"abort", true}), ElementsAre("revert 0", "record reverting"));
  EXPECT_FALSE(life.over()) << "the answer is still out";
  EXPECT_THAT(on(FaultLife::Completed{true, "late"}), ElementsAre());
  EXPECT_FALSE(life.completed());
  EXPECT_FALSE(life.incomplete()) << "it was not given its time";
}

TEST_F(FaultLifeTest, WhatIsHeldIsLookedAtAgainAndAgain) {
  hold();
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(on(FaultLife::Tick{}), ElementsAre("prove"));
    EXPECT_THAT(on(FaultLife::Proved{true, "it is dead"}), ElementsAre("wake"));
  }
  EXPECT_EQ(life.faded(), "");
  EXPECT_EQ(life.state(), State::held);
}

TEST_F(FaultLifeTest, AnEffectThatIsMissedOnceMayBeThereAndTwiceIsGone) {
  hold();
  on(FaultLife::Tick{});
  on(FaultLife::Proved{false, "it answers"});
  EXPECT_EQ(life.faded(), "");
  on(FaultLife::Tick{});
  on(FaultLife::Proved{true, "it is dead"});
  for (int i = 0; i < 2; ++i) {
    on(FaultLife::Tick{});
    on(FaultLife::Proved{false, "it answers"});
  }
  EXPECT_EQ(life.faded(), "it answers");
  EXPECT_EQ(life.state(), State::held) << "its undo is due when it is due";
}

TEST_F(FaultLifeTest, ALookAgainHoldsNoRevertUp) {
  hold();
  on(FaultLife::Tick{});
  EXPECT_THAT(on(FaultLife::End{"asked"}), ElementsAre("revert 1", "revert 0", "record reverting"));
  EXPECT_THAT(on(FaultLife::Proved{false, "it answers"}), ElementsAre());
  EXPECT_EQ(life.faded(), "") << "it was being undone";
}

TEST_F(FaultLifeTest, WhatEndsByItselfIsNotLookedAtAgain) {
  start_one_that_completes();
  on(FaultLife::Looked{true, "it is fast"});
  on(FaultLife::Applied{targets::Outcome::done, ""});
  EXPECT_THAT(on(FaultLife::Proved{true, "it is announced"}), ElementsAre());
}

}  // namespace
}  // namespace faultline::engine
