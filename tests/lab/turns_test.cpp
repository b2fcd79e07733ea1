#include "targets/lab/supervisor_action_kinds.hpp"
#include "targets/lab/supervisor_turns.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::lab {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Jobs that begin when it is their turn and end when the test says so.
struct TurnsTest : testing::Test {
  boost::asio::io_context io;
  Turns turns{io};
  std::vector<std::string> log;
  std::map<std::string, Turns::Done> running;  // by action

  void take(const std::string& resource, const std::string& action) {
    turns.take(
        resource, action,
        [this, action](const Turns::Done& finished) {
          log.push_back(action + " begins");
          running[action] = finished;
        },
        [this, action](const Result<>& result) {
          log.push_back(action + (result ? " is done" : " failed: " + result.error().message));
        });
  }
  void finish(const std::string& action) {
    running.at(action)(Result<>{});
    io.restart();
    io.poll();
  }
};

TEST_F(TurnsTest, OneResourceIsTouchedByOneAfterTheOther) {
  take("host nat", "x");
  take("host nat", "y");
  take("host pay", "z");
  EXPECT_THAT(log, ElementsAre("x begins", "z begins"));
  finish("x");
  EXPECT_THAT(log, ElementsAre("x begins", "z begins", "x is done", "y begins"));
}

TEST_F(TurnsTest, WhatIsGivenUpBeforeItsTurnDoesNotBegin) {
  take("host nat", "x");
  take("host nat", "y");
  take("host nat", "z");
  turns.give_up("y");
  finish("x");
  EXPECT_THAT(log, ElementsAre("x begins", "x is done",
                               "y failed: action y was reverted before its turn came", "z begins"));
}

TEST_F(TurnsTest, WhatHasBegunEndsByItself) {
  take("host nat", "x");
  turns.give_up("x");
  finish("x");
  EXPECT_THAT(log, ElementsAre("x begins", "x is done"));
}

TEST(Interrupting, OnlyTheFlowsAreHeldSoSlowlyThatARevertDoesNotWait) {
  for (const auto& kind : all_action_kinds()) {
    EXPECT_EQ(kind.order == ActionKind::Order::interrupting, kind.name == "flows.hold")
        << kind.name;
  }
}

}  // namespace
}  // namespace faultline::lab
