#include "orchestrator/engine/timeline.hpp"

#include "tests/fake/manual_clock.hpp"

#include <gtest/gtest.h>

namespace faultline::engine {
namespace {

TEST(Timeline, WhoThrowsWhenHeIsToldSomethingIsToldNothingMore) {
  fake::ManualClock clock;
  int told = 0;
  Timeline timeline(clock, [&](const Timeline::Json&) {
    ++told;
    throw std::runtime_error("nobody reads the other end of the pipe");
  });
  timeline.tell("fault_reverting");
  timeline.tell("fault_reverted");
  timeline.show("tick");
  EXPECT_EQ(told, 1);
  EXPECT_EQ(timeline.events().size(), 2u) << "the record has them all the same";
}

}  // namespace
}  // namespace faultline::engine
