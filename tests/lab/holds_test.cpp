#include "targets/lab/supervisor_holds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::lab {
namespace {

using targets::ProcessState;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(ProcessHolds, WithoutAHoldAComponentRuns) {
  EXPECT_EQ(ProcessHolds().wanted("a-redis"), ProcessState::running);
}

TEST(ProcessHolds, HoldsOfTwoActionsStack) {
  ProcessHolds holds;
  holds.add("a-redis", "stop-1", Hold::stopped);
  EXPECT_EQ(holds.wanted("a-redis"), ProcessState::stopped);
  holds.add("a-redis", "kill-1", Hold::dead);
  EXPECT_EQ(holds.wanted("a-redis"), ProcessState::dead);
  EXPECT_EQ(holds.wanted("b-redis"), ProcessState::running);
}

TEST(ProcessHolds, AreLetGoInAnyOrder) {
  ProcessHolds holds;
  holds.add("a-redis", "stop-1", Hold::stopped);
  holds.add("a-redis", "kill-1", Hold::dead);
  holds.add("a-redis", "kill-2", Hold::dead);
  EXPECT_EQ(holds.remove("a-redis", "kill-1"), Hold::dead);
  EXPECT_EQ(holds.wanted("a-redis"), ProcessState::dead);
  EXPECT_EQ(holds.remove("a-redis", "kill-2"), Hold::dead);
  EXPECT_EQ(holds.wanted("a-redis"), ProcessState::stopped);
  EXPECT_EQ(holds.remove("a-redis", "stop-1"), Hold::stopped);
  EXPECT_EQ(holds.wanted("a-redis"), ProcessState::running);
}

TEST(ProcessHolds, LettingGoOfWhatIsNotHeldMayNotStartAnything) {
  ProcessHolds holds;
  EXPECT_FALSE(holds.remove("a-redis", "kill-1"));
  holds.add("a-redis", "kill-1", Hold::dead);
  EXPECT_EQ(holds.remove("a-redis", "kill-1"), Hold::dead);
  EXPECT_FALSE(holds.remove("a-redis", "kill-1")) << "reverting twice starts nothing twice";
}

TEST(ProcessSteps, LeadFromEveryStateToEveryOther) {
  using S = ProcessState;
  EXPECT_THAT(steps(S::running, S::running), IsEmpty());
  EXPECT_THAT(steps(S::running, S::stopped), ElementsAre(ProcessStep::stop));
  EXPECT_THAT(steps(S::running, S::dead), ElementsAre(ProcessStep::kill));
  EXPECT_THAT(steps(S::stopped, S::running), ElementsAre(ProcessStep::resume));
  EXPECT_THAT(steps(S::stopped, S::dead), ElementsAre(ProcessStep::kill));
  EXPECT_THAT(steps(S::dead, S::running), ElementsAre(ProcessStep::start));
  EXPECT_THAT(steps(S::dead, S::stopped), ElementsAre(ProcessStep::start, ProcessStep::stop));
}

}  // namespace
}  // namespace faultline::lab
