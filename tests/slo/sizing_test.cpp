#include "orchestrator/slo/sizing.hpp"

#include "orchestrator/slo/bounds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

using namespace faultline;
using namespace faultline::slo;
using namespace std::chrono_literals;

TEST(Sizing, TellsWhatAClaimNeedsByBothViews) {
  const auto needed = needed_for(99.9, 100, 5s);
  EXPECT_EQ(needed.to_express, 10s);                     // 1,000 requests
  EXPECT_EQ(needed.to_establish_by_requests, 29'950ms);  // 2,995 requests
  EXPECT_EQ(needed.to_establish_by_blocks, 2'995 * 5s);
  // 97 % needs 99 draws; a block without a request draws nothing.
  EXPECT_EQ(needed_for(97, 1'000, 5s).to_establish_by_blocks, 99 * 5s);
  EXPECT_EQ(needed_for(97, 0.1, 5s).to_establish_by_blocks, 99 * 10s);
}

TEST(Sizing, NothingEstablishesThatNothingEverFails) {
  const auto needed = needed_for(100, 1'000);
  EXPECT_EQ(needed.to_express, 1ms);
  EXPECT_FALSE(needed.to_establish_by_requests.has_value());
  EXPECT_FALSE(needed.to_establish_by_blocks.has_value());
  EXPECT_FALSE(needed_for(99, 0).to_express.has_value()) << "no requests, no claim";
  EXPECT_FALSE(needed_for(99.999'999'999'9, 0.001).to_express.has_value());
}

TEST(Sizing, TellsWhatAWindowCanSayAtBest) {
  const auto reach = reach_of(60s, 100, 5s);
  EXPECT_EQ(reach.requests, 6'000u);
  EXPECT_EQ(reach.blocks, 12u);
  EXPECT_NEAR(reach.expresses_percent, 99.983, 0.001);
  EXPECT_NEAR(reach.establishes_percent_by_requests, 99.950, 0.001);
  EXPECT_NEAR(reach.establishes_percent_by_blocks, 77.908, 0.001);
  EXPECT_EQ(reach_of(60s, 0.05, 5s).blocks, 3u) << "a request each 20 s";
  EXPECT_EQ(reach_of(60s, 0, 5s).establishes_percent_by_blocks, 0);
  EXPECT_EQ(reach_of(0s, 100, 5s).requests, 0u);
}

TEST(Sizing, AWindowOfTheNeededLengthReachesTheClaimAndAShorterOneDoesNot) {
  std::mt19937 random(3);
  for (int i = 0; i < 2'000; ++i) {
    const double percent = 50 + static_cast<double>(random() % 4'999) / 100;
    const double rate = static_cast<double>(1 + random() % 1'000) / 4;
    const auto block = 1s * (1 + random() % 10);
    const auto needed = needed_for(percent, rate, block);
    const auto enough = reach_of(*needed.to_establish_by_blocks, rate, block);
    ASSERT_GE(enough.establishes_percent_by_blocks, percent);
    ASSERT_GE(
        reach_of(*needed.to_establish_by_requests, rate, block).establishes_percent_by_requests,
        percent);
    ASSERT_GE(reach_of(*needed.to_express, rate, block).expresses_percent, percent - 1e-6);
    const auto shorter = *needed.to_establish_by_blocks - block;
    ASSERT_LT(reach_of(shorter, rate, block).establishes_percent_by_blocks, percent);
  }
}
