#include "orchestrator/engine/recovery.hpp"

#include "tests/fake/fake_target.hpp"
#include "tests/fake/manual_clock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::engine {
namespace {

using testing::IsEmpty;

targets::Action kill_action(const std::string& id) {
  return {.id = id,
          .kind = "process.kill",
          .args = {{"component", "a-redis"}},
          .summary = "kill",
          .undo_summary = "start",
          .resource = "component a-redis"};
}

Json intended(const std::string& fault) {
  return {{"type", "intended"},
          {"fault", fault},
          {"kind", "redis_failover"},
          {"run", "r1"},
          {"target", {{"target", "fake"}}},
          {"actions", {kill_action(fault + ".1")}},
          {"before",
           {{"environment", "healthy"}, {"cache sessions primary", "a-redis"}, {"in force", ""}}},
          {"may_move", {"cache sessions primary"}},
          {"resources", {"component a-redis"}}};
}

class Recovery : public testing::Test {
 protected:
  std::vector<std::string> put_back_all(const std::vector<Json>& records) {
    const auto open = open_runs(records);
    EXPECT_TRUE(open) << open.error().message;
    std::vector<std::string> residue;
    for (const auto& run : *open) {
      bool over = false;
      put_back(run, target, 2, clock, [&](std::vector<std::string> left) {
        residue.insert(residue.end(), left.begin(), left.end());
        over = true;
      });
      EXPECT_TRUE(clock.run(io, [&] { return over; }));
    }
    return residue;
  }
  boost::asio::io_context io;
  fake::ManualClock clock;
  fake::FakeTarget target{io, clock};
};

TEST_F(Recovery, OnlyWhatIsNotClosedIsOpen) {
  const auto open =
      open_runs({intended("f1"), intended("f2"), {{"type", "closed"}, {"fault", "f1"}}});
  ASSERT_TRUE(open) << open.error().message;
  ASSERT_EQ(open->size(), 1u);
  ASSERT_EQ(open->front().faults.size(), 1u);
  EXPECT_EQ(open->front().faults.front().id, "f2");
  EXPECT_EQ(open->front().faults.front().actions.front().id, "f2.1");
}

TEST_F(Recovery, ARecordThatIsNotOursIsAnErrorAndNotSkipped) {
  EXPECT_FALSE(open_runs({Json{{"type", "intended"}}}));
  EXPECT_FALSE(open_runs({Json::array()}));
}

TEST_F(Recovery, TwoFaultsOfARunAreRevertedNewestFirstAndComparedOnce) {
  target.in_force = {"f1.1", "f2.1"};
  EXPECT_THAT(put_back_all({intended("f1"), intended("f2")}), IsEmpty());
  EXPECT_THAT(target.log, testing::ElementsAre("revert f2.1", "revert f1.1"));
}

TEST_F(Recovery, ARoleThatAClosedFaultMovedMayStayMoved) {
  auto second = intended("f2");
  second["may_move"] = Json::array();
  target.in_force = {"f2.1"};
  target.fail_over_to("b-redis");
  EXPECT_THAT(put_back_all({intended("f1"), {{"type", "closed"}, {"fault", "f1"}}, second}),
              IsEmpty());
}

TEST_F(Recovery, RevertsAndFindsNothingLeft) {
  target.in_force = {"f1.1"};
  target.fail_over_to("b-redis");
  EXPECT_THAT(put_back_all({intended("f1")}), IsEmpty());
  EXPECT_THAT(target.in_force, IsEmpty());
}

TEST_F(Recovery, TriesAgainWhenARevertFails) {
  target.in_force = {"f1.1"};
  target.failing_reverts = 3;
  EXPECT_THAT(put_back_all({intended("f1")}), IsEmpty());
}

TEST_F(Recovery, SaysWhatIsStillDifferentAfterTheLimit) {
  target.in_force = {"f1.1"};
  target.drop_undo = true;
  EXPECT_THAT(put_back_all({intended("f1")}), testing::ElementsAre("in force: was , is f1.1 "));
}

}  // namespace
}  // namespace faultline::engine
