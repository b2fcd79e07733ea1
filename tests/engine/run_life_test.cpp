#include "orchestrator/engine/run_life.hpp"

#include <gtest/gtest.h>

namespace faultline::engine {
namespace {

using Command = RunLife::Command;

TEST(RunLife, GoesThroughItsStepsInOrder) {
  RunLife life;
  EXPECT_EQ(life.begin(), Command::heal);
  EXPECT_EQ(life.done(), Command::check_requires);
  EXPECT_EQ(life.done(), Command::run_method);
  EXPECT_EQ(life.done(), Command::revert_all);
  EXPECT_EQ(life.done(), Command::verify);
  EXPECT_EQ(life.done(), Command::judge);
  EXPECT_EQ(life.done(), Command::report);
  EXPECT_EQ(life.verdict(), Verdict::passed);
  EXPECT_EQ(life.exit_code(), 0);
}

TEST(RunLife, AnUnfinishedRunIsNeverAPass) {
  RunLife life;
  life.begin();
  for (int step = 0; step < 6; ++step) {
    EXPECT_NE(life.verdict(), Verdict::passed) << to_string(life.phase());
    life.done();
  }
}

TEST(RunLife, AnUnhealthyEnvironmentIsReportedAndNothingRuns) {
  RunLife life;
  life.begin();
  EXPECT_EQ(life.done("a-redis is dead"), Command::report);
  EXPECT_EQ(life.verdict(), Verdict::inconclusive);
  EXPECT_EQ(life.reason(), "a-redis is dead");
}

TEST(RunLife, AScriptErrorStillPutsEverythingBack) {
  RunLife life;
  life.begin();
  life.done();
  life.done();
  EXPECT_EQ(life.done("x.lua:3: nil"), Command::revert_all);
  EXPECT_EQ(life.done(), Command::judge) << "steady state is not worth waiting for";
}

TEST(RunLife, AStopCancelsTheMethodOnceAndSticks) {
  RunLife life;
  life.begin();
  life.done();
  life.done();
  EXPECT_EQ(life.stop(Stop::interrupt, "Ctrl-C"), Command::cancel_method);
  EXPECT_EQ(life.stop(Stop::abort, "again"), Command::none);
  EXPECT_EQ(life.done(), Command::revert_all);
  EXPECT_EQ(life.exit_code(), 130);
}

TEST(RunLife, AStopBeforeTheMethodNeverStartsIt) {
  RunLife life;
  life.begin();
  EXPECT_EQ(life.stop(Stop::abort, "no"), Command::none);
  EXPECT_EQ(life.done(), Command::report);
  EXPECT_EQ(life.verdict(), Verdict::aborted);
}

TEST(RunLife, TheWorstDecides) {
  RunLife life;
  life.begin();
  for (int step = 0; step < 6; ++step) {
    life.done();
  }
  life.missed("login 90 %");
  EXPECT_EQ(life.verdict(), Verdict::failed);
  EXPECT_EQ(life.exit_code(), 1);
  life.doubt("machine too busy");
  EXPECT_EQ(life.verdict(), Verdict::inconclusive);
  EXPECT_EQ(life.exit_code(), 3);
  life.residue("rules core");
  EXPECT_EQ(life.exit_code(), 5);
  EXPECT_EQ(life.reason(), "undo incomplete: rules core");
}

}  // namespace
}  // namespace faultline::engine
