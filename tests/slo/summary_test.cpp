#include "orchestrator/slo/summary.hpp"

#include "orchestrator/slo/rank.hpp"
#include "tests/slo/series.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

using namespace faultline;
using namespace faultline::slo;
using namespace std::chrono_literals;

TEST(Series, SortsWhatArrivesLateByTheTimeItWasDue) {
  Series series;
  for (const auto due : {1ms, 5ms, 3ms, 5ms, 0ms}) {
    series.add(sample(due, Class::good));
  }
  EXPECT_EQ(series.between(at(1ms), at(5ms)).size(), 2u);  // 1 and 3: the end is not included
  EXPECT_EQ(series.between(at(0ms), at(6ms)).size(), 5u);
  EXPECT_TRUE(series.between(at(5ms), at(1ms)).empty());
  EXPECT_TRUE(std::ranges::is_sorted(series.samples(), {}, &Sample::due));
}

TEST(Series, NumbersErrorClassesAndBoundsThem) {
  Series series;
  const auto timeout = series.error_class("timeout");
  EXPECT_EQ(series.error_class("timeout"), timeout);
  EXPECT_NE(timeout, 0);
  EXPECT_EQ(series.error_name(timeout), "timeout");
  for (int i = 0; i < 100'000; ++i) {
    series.error_class("unique " + std::to_string(i));
  }
  EXPECT_EQ(series.error_name(series.error_class("one more")), "other");
}

TEST(Summary, CountsClassesErrorsAndBadSeconds) {
  Series series = series_of("ggggggggggdbbgggggggggggggggggbg");  // bad at 1.1, 1.2 and 3.0 s
  Sample slow = sample(5s, Class::bad, 7s);
  slow.error = series.error_class("slow");
  series.add(slow);
  const auto summary = summarize(series, at(0s), at(10s));
  EXPECT_EQ(summary.requests, 33u);
  EXPECT_EQ(summary.degraded, 1u);
  EXPECT_EQ(summary.bad, 4u);
  EXPECT_EQ(summary.good, 28u);
  EXPECT_EQ(summary.bad_seconds, 3u);
  EXPECT_THAT(summary.errors, testing::Contains(testing::Pair("slow", 1u)));
  EXPECT_DOUBLE_EQ(summary.good_percent(), 100.0 * 28 / 33);
}

TEST(Summary, BadSecondsAreCountedFromTheWindowsStart) {
  const auto series = series_of("gggggggggbbggggggggg");  // 0.9 s and 1.0 s
  EXPECT_EQ(summarize(series, at(0s), at(2s)).bad_seconds, 2u);
  EXPECT_EQ(summarize(series, at(500ms), at(2s)).bad_seconds, 1u);
}

TEST(Summary, PercentilesAreMeasuredValuesAndBadOnesAreSlowerThanAnything) {
  Series series;
  for (int i = 1; i <= 98; ++i) {
    series.add(sample(1ms * i, Class::good, 1ms * i));
  }
  series.add(sample(99ms, Class::bad, 1us));  // failed fast, and still is not fast
  series.add(sample(100ms, Class::bad, 1us));
  const auto summary = summarize(series, at(0s), at(1s));
  EXPECT_DOUBLE_EQ(summary.p50_ms, 50);
  EXPECT_DOUBLE_EQ(summary.p90_ms, 90);
  EXPECT_TRUE(std::isinf(summary.p99_ms));
  EXPECT_TRUE(std::isinf(summary.max_ms));
  EXPECT_DOUBLE_EQ(summary.service_p99_ms, 98);  // uncorrected, of the 98 that were answered
}

TEST(Summary, APercentileIsTheSmallestValueThatEnoughAreWithin) {
  // In whole numbers: p hundredths of a percent of n are within the value of rank ceil(p n / 10^4).
  for (const std::uint64_t hundredths : {100, 5'000, 9'000, 9'900, 9'990, 9'999, 10'000}) {
    for (std::uint64_t n = 1; n <= 20'000; ++n) {
      const auto rank = std::max<std::uint64_t>((hundredths * n + 9'999) / 10'000, 1);
      ASSERT_EQ(nearest_rank(static_cast<double>(hundredths) / 100, n), rank)
          << hundredths << " of " << n;
    }
  }
  std::vector<double> ms(1'000, 5);
  ms[7] = std::numeric_limits<double>::infinity();
  EXPECT_DOUBLE_EQ(percentile_ms(ms, 99.9), 5) << "one bad request of 1,000 is within 99.9 %";
}

TEST(Summary, OfNothingHasNoPercentiles) {
  const auto summary = summarize(Series{}, at(0s), at(1s));
  EXPECT_EQ(summary.requests, 0u);
  EXPECT_EQ(summary.good_percent(), 0);
  EXPECT_TRUE(std::isinf(summary.p99_ms));
  EXPECT_TRUE(std::isinf(summary.service_p50_ms));
}
