#include "orchestrator/slo/count.hpp"

#include "tests/slo/series.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

using namespace faultline;
using namespace faultline::slo;
using namespace std::chrono_literals;
using testing::ElementsAre;

TEST(Count, WhatIsKeptIsUpToTheObjective) {
  Series series = series_of("ggdb");
  series.add(sample(500ms, Class::good, 80ms));
  series.add(sample(600ms, Class::bad, 1ms));
  EXPECT_EQ(count(series, at(0s), at(1s), is_good), (Count{6, 3}));
  EXPECT_EQ(count(series, at(0s), at(1s), is_served), (Count{6, 4}));
  EXPECT_EQ(count(series, at(0s), at(1s), within_ms(79)), (Count{6, 3}));
  EXPECT_EQ(count(series, at(0s), at(1s), within_ms(80)), (Count{6, 4})) << "bad ones are slow";
  EXPECT_EQ(count(series, at(1s), at(0s), is_good), Count{});
}

TEST(Count, ThroughputIsWhatIsKeptPerSecond) {
  const auto counted = count(series_of("ggggbbgggg"), at(0s), at(2s), is_good);
  EXPECT_DOUBLE_EQ(per_second(counted, 2s), 4);
  EXPECT_EQ(per_second(counted, 0s), 0);
}

TEST(Count, APercentageIsExactWhereItsBinaryFormIsNot) {
  EXPECT_TRUE(at_least({1'000, 999}, 99.9));
  EXPECT_FALSE(at_least({1'001, 999}, 99.9));
  EXPECT_FALSE(at_least({1'000'000, 998'999}, 99.9));
  EXPECT_TRUE(at_least({}, 99.9)) << "no request breaks it; whether that is enough is not asked";
}

TEST(Count, BlocksCountFromTheWindowsStartAndTheLastMayBeShort) {
  const auto series = series_of("ggbggggggbgg");
  EXPECT_THAT(count_blocks(series, at(0s), at(1s), 500ms, is_good),
              ElementsAre(Count{5, 4}, Count{5, 4}));
  EXPECT_THAT(count_blocks(series, at(200ms), at(1'100ms), 400ms, is_good),
              ElementsAre(Count{4, 3}, Count{4, 3}, Count{1, 1}));
  EXPECT_THAT(count_blocks(series, at(2s), at(3s), 500ms, is_good), ElementsAre(Count{}, Count{}));
  EXPECT_TRUE(count_blocks(series, at(1s), at(1s), 500ms, is_good).empty());
}

TEST(Tally, CountsAnyWindowAsCountingItDoes) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    Series series;
    for (auto n = random() % 200; n > 0; --n) {
      series.add(sample(1ms * (random() % 10'000), static_cast<Class>(random() % 3)));
    }
    const Tally tally(series, is_good);
    for (int i = 0; i < 100; ++i) {
      const auto from = at(1ms * (random() % 11'000)) - 500ms;
      const auto to = from + 1ms * (random() % 5'000) - 100ms;
      ASSERT_EQ(tally.between(from, to), count(series, from, to, is_good));
    }
  }
}
