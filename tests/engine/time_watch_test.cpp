#include "orchestrator/engine/time_watch.hpp"

#include "tests/fake/manual_clock.hpp"

#include <gtest/gtest.h>

namespace faultline::engine {
namespace {

using namespace std::chrono_literals;

struct World {
  std::string look() { return watch.look(clock, 200ms); }
  fake::ManualClock clock;
  TimeWatch watch;
};

TEST(TimeWatch, SaysNothingWhileAllClocksGoAlong) {
  World w;
  EXPECT_EQ(w.look(), "");
  w.clock.stand_still(200ms);
  EXPECT_EQ(w.look(), "");
  w.clock.stand_still(1100ms);
  EXPECT_EQ(w.look(), "") << "a busy machine is a bit late";
}

TEST(TimeWatch, NoticesThatSomebodySetTheClock) {
  World w;
  w.look();
  w.clock.set_by = 3600s;
  EXPECT_EQ(w.look(), "the machine's clock was set forward by 60 min");
  EXPECT_EQ(w.look(), "") << "told once";
  w.clock.set_by = 0s;
  EXPECT_EQ(w.look(), "the machine's clock was set back by 60 min");
}

TEST(TimeWatch, NoticesThatTheMachineSlept) {
  World w;
  w.look();
  w.clock.slept = 12s;
  w.clock.set_by = 12s;  // the wall clock goes on meanwhile
  EXPECT_EQ(w.look(), "the machine was suspended for 12 s");
}

TEST(TimeWatch, NoticesThatItStoodStill) {
  World w;
  w.look();
  w.clock.stand_still(3200ms);
  EXPECT_EQ(w.look(), "faultline stood still for 3 s: it was stopped, or the machine is too busy");
}

}  // namespace
}  // namespace faultline::engine
