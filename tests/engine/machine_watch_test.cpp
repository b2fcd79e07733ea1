#include "orchestrator/engine/machine_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::engine {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// A machine of 2 cores, shown once a second.
class MachineWatchTest : public testing::Test {
 protected:
  void seconds(int count, double idle, double own) {
    for (int i = 0; i < count; ++i) {
      now += 1s;
      used.total_ms += 2000;
      used.idle_ms += static_cast<std::uint64_t>(2000 * idle);
      used.own_ms += static_cast<std::uint64_t>(2000 * own);
      show(used);
    }
  }
  void show(std::optional<targets::Machine> machine) {
    targets::World world;
    world.machine = machine;
    watch.look(world, now);
  }
  std::string lately(Duration window) { return watch.disturbed(now - window, now); }

  MachineWatch watch;
  targets::Machine used;
  Instant now{1000s};
};

TEST_F(MachineWatchTest, ACompilerBesideADrillIsNoticed) {
  show(used);
  seconds(10, 0.0, 0.4);
  EXPECT_EQ(lately(10s),
            "machine too busy: in 10 of 10 s it had nothing left, while other programs used 60 % "
            "of it");
  const auto record = watch.record();
  EXPECT_DOUBLE_EQ(record["cpu_own_percent"], 40);
  EXPECT_DOUBLE_EQ(record["cpu_others_percent"], 60);
  EXPECT_DOUBLE_EQ(record["cpu_idle_percent"], 0);
  EXPECT_DOUBLE_EQ(record["disturbed_s"], 10);
}

TEST_F(MachineWatchTest, WhatTheEnvironmentItselfNeedsIsNoDisturbance) {
  show(used);
  seconds(10, 0.0, 0.9);
  EXPECT_EQ(lately(10s), "");
}

TEST_F(MachineWatchTest, OthersMayUseWhatIsLeftOver) {
  show(used);
  seconds(10, 0.2, 0.3);
  EXPECT_EQ(lately(10s), "");
}

TEST_F(MachineWatchTest, AMomentsDisturbanceIsAllowed) {
  show(used);
  seconds(8, 0.5, 0.4);
  seconds(2, 0.0, 0.4);
  EXPECT_EQ(lately(10s), "");
  EXPECT_THAT(lately(5s), HasSubstr("in 2 of 5 s"));
}

TEST_F(MachineWatchTest, CountersThatBeginAnewAreNoTimeUsedByOthers) {
  show(used);
  seconds(2, 0.2, 0.8);
  used.own_ms = 0;
  seconds(2, 0.2, 0.8);
  EXPECT_EQ(lately(4s), "");
}

TEST_F(MachineWatchTest, AnEnvironmentOnMachinesOfItsOwnIsNeverDisturbed) {
  show(std::nullopt);
  now += 10s;
  show(std::nullopt);
  EXPECT_EQ(lately(10s), "");
  EXPECT_TRUE(watch.record().is_null());
}

}  // namespace
}  // namespace faultline::engine
