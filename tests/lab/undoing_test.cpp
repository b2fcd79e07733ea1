#include "targets/lab/supervisor_undoing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::lab {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// One action in force, and undos that end when the test says so.
struct UndoingTest : testing::Test {
  UndoingTest() {
    action.id = "x";
    action.max_duration = 5min;
    const auto epoch = ownership.acquire("run one", 0, 1, start).value();
    EXPECT_TRUE(ownership.arm(action, epoch, start));
    EXPECT_TRUE(ownership.begin_apply("x", epoch));
  }
  targets::Done<void> answer(const std::string& who) {
    return [this, who](const Result<>& result) {
      log.push_back(who + (result ? " done" : " failed"));
    };
  }

  Ownership ownership{100};
  Instant start{};
  targets::Action action;
  std::vector<targets::Done<void>> running;
  std::vector<std::string> log;
  Undoing undoing{ownership, [this](const targets::Action&, targets::Done<void> done) {
                    running.push_back(std::move(done));
                  }};
};

TEST_F(UndoingTest, WhoAsksWhileTheDeadlineUndoesIsAnsweredWhenItIsDone) {
  ASSERT_THAT(ownership.tick(start + 10s).reverts, SizeIs(1));
  undoing.undo(action, answer("deadline"));
  const auto next = ownership.acquire("recovery", 0, 2, start + 10s).value();
  const auto undo = ownership.begin_revert("x", next);
  ASSERT_TRUE(undo && undo->has_value());
  undoing.undo(**undo, answer("recovery"));
  EXPECT_THAT(running, SizeIs(1)) << "it is not undone twice";
  EXPECT_THAT(log, IsEmpty());
  running[0](Result<>{});
  EXPECT_THAT(log, ElementsAre("deadline done", "recovery done"));
  EXPECT_THAT(ownership.in_force(start + 10s), IsEmpty());
}

TEST_F(UndoingTest, TheSameIdIsArmedAgainAfterItsUndo) {
  const auto epoch = ownership.acquire("recovery", 0, 2, start + 10s).value();
  undoing.undo(action, answer("deadline"));
  undoing.after("x", [&] {
    log.emplace_back(ownership.arm(action, epoch, start + 10s) ? "armed" : "in force");
  });
  undoing.after("y", [&] { log.emplace_back("another action waits for nothing"); });
  running[0](Result<>{});
  EXPECT_THAT(log, ElementsAre("another action waits for nothing", "deadline done", "armed"));
}

TEST_F(UndoingTest, AnUndoThatFailedIsTriedAgainByWhoeverAsksNext) {
  undoing.undo(action, answer("first"));
  running[0](Error{ErrorKind::conflict, "somebody else changed it"});
  EXPECT_THAT(ownership.in_force(start), SizeIs(1));
  undoing.undo(action, answer("second"));
  running[1](Result<>{});
  EXPECT_THAT(log, ElementsAre("first failed", "second done"));
}

}  // namespace
}  // namespace faultline::lab
