#include "orchestrator/engine/usage.hpp"

#include <gtest/gtest.h>

namespace faultline::engine {
namespace {

using namespace std::chrono_literals;

class UsageTest : public testing::Test {
 protected:
  void look(std::uint64_t cpu_ms, bool counts, std::uint64_t memory_bytes = 1000) {
    targets::Component node;
    node.name = "a-spot";
    node.kind = "app";
    node.cpu_ms = cpu_ms;
    node.memory_bytes = memory_bytes;
    node.state = cpu_ms == dead ? targets::ProcessState::dead : targets::ProcessState::running;
    targets::World world;
    world.components = {node};
    usage.look(world, now, counts);
    now += 1s;
  }
  static constexpr std::uint64_t dead = 999'999;

  Usage usage;
  Instant now{1000s};
};

TEST_F(UsageTest, CountsOnlyWhileAFaultIsInForce) {
  look(0, false);
  look(900, false, 9000);
  look(1000, true);
  look(1300, true, 5000);
  const auto record = usage.record()[0];
  EXPECT_EQ(record["name"], "a-spot");
  EXPECT_EQ(record["kind"], "app");
  EXPECT_DOUBLE_EQ(record["cpu_percent_mean"], 20);
  EXPECT_DOUBLE_EQ(record["cpu_percent_max"], 30);
  EXPECT_EQ(record["memory_max_bytes"], 5000);
}

TEST_F(UsageTest, AProcessThatWasStartedAnewBeginsFromNothing) {
  look(1000, true);
  look(dead, true);
  look(50, true);
  look(150, true);
  look(100, true);  // started anew between two looks
  const auto record = usage.record()[0];
  EXPECT_DOUBLE_EQ(record["cpu_percent_max"], 10);
}

TEST_F(UsageTest, WhatWasNeverSeenForAWholeLookIsNotKnown) {
  look(dead, true);
  look(10, false);
  const auto record = usage.record()[0];
  EXPECT_TRUE(record["cpu_percent_mean"].is_null());
  EXPECT_TRUE(record["memory_max_bytes"].is_null());
}

}  // namespace
}  // namespace faultline::engine
