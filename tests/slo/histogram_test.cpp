#include "orchestrator/slo/histogram.hpp"

#include "orchestrator/slo/histogram_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace faultline;
using namespace faultline::slo;
using namespace std::chrono_literals;
using testing::HasSubstr;

namespace {

constexpr std::int64_t hour_us = 3'600'000'000;

using Values = std::vector<std::int64_t>;

Histogram histogram_of(const Values& values) {
  Histogram histogram;
  for (const auto value : values) {
    histogram.record(value);
  }
  return histogram;
}

std::vector<Histogram::Bucket> buckets_of(const Histogram& histogram) {
  std::vector<Histogram::Bucket> buckets;
  histogram.for_each([&](const Histogram::Bucket& bucket) { buckets.push_back(bucket); });
  return buckets;
}

/// Nearest rank: the value that a sort finds. `permille` in 1/1,000 of a percent is exact.
std::int64_t by_sorting(Values values, std::uint64_t permille) {
  std::ranges::sort(values);
  const auto rank = (values.size() * permille + 99'999) / 100'000;
  return values[std::max<std::size_t>(rank, 1) - 1];
}

/// Latencies as services have them: most fast, a long tail over all sizes.
Values random_latencies(std::mt19937_64& random, std::size_t count) {
  std::lognormal_distribution<double> latency(6, 3);
  Values values(count);
  for (auto& value : values) {
    value = std::min<std::int64_t>(std::llround(latency(random)), hour_us);
  }
  return values;
}

/// What a table of buckets gets wrong first: powers of two and their neighbours, zeros, both ends.
std::vector<Values> adversarial() {
  Values edges{0, 0, 1, hour_us, hour_us - 1};
  for (int bit = 0; bit < 32; ++bit) {
    for (const std::int64_t off : {-1, 0, 1}) {
      edges.push_back(std::clamp<std::int64_t>((std::int64_t{1} << bit) + off, 0, hour_us));
    }
  }
  Values steps;
  for (std::int64_t value = 1; value < hour_us; value += value / 1000 + 1) {
    steps.push_back(value);
  }
  Values stalled(2'000, 40);  // a 1 s stall at 2,000/s
  for (int i = 0; i < 2'000; ++i) {
    stalled.push_back(1'000'000 - 500 * i);
  }
  return {edges, steps, stalled, {0}, {1}, {hour_us}, Values(1'000, 2'047), {1, hour_us}};
}

}  // namespace

TEST(Histogram, PercentilesAreThoseOfASortWithinATenthOfAPercent) {
  std::mt19937_64 random(1);
  auto cases = adversarial();
  for (const std::size_t size : {1, 2, 10, 999, 1'000, 20'000}) {
    cases.push_back(random_latencies(random, size));
  }
  for (const auto& values : cases) {
    const auto histogram = histogram_of(values);
    ASSERT_EQ(histogram.count(), values.size());
    for (const auto permille :
         {0, 1, 1'000, 25'000, 50'000, 90'000, 97'500, 99'000, 99'900, 99'990, 99'999, 100'000}) {
      const auto truth = by_sorting(values, static_cast<std::uint64_t>(permille));
      const auto found = histogram.at_percentile(permille / 1000.0);
      EXPECT_GE(found, truth) << permille << " of " << values.size();
      EXPECT_LE(static_cast<double>(found), static_cast<double>(truth) * 1.001)
          << permille << " of " << values.size();
    }
    EXPECT_EQ(histogram.max_us(), histogram.at_percentile(100));
    EXPECT_LE(histogram.max_us(), hour_us);
    EXPECT_GE(histogram.max_us(), std::ranges::max(values));
  }
}

TEST(Histogram, OfNothingIsAllZero) {
  const Histogram nothing;
  EXPECT_EQ(nothing.count(), 0u);
  EXPECT_EQ(nothing.max_us(), 0);
  EXPECT_EQ(nothing.at_percentile(99), 0);
  EXPECT_TRUE(buckets_of(nothing).empty());
}

TEST(Histogram, CountsWhatIsOutOfRangeAtTheEnds) {
  Histogram histogram;
  histogram.record(hour_us + 1, 2);
  histogram.record(std::numeric_limits<std::int64_t>::max());
  histogram.record(-5);
  histogram.record(std::numeric_limits<std::int64_t>::min());
  histogram.record(0);
  EXPECT_EQ(histogram.count(), 6u);
  EXPECT_EQ(histogram.max_us(), hour_us);
  EXPECT_EQ(buckets_of(histogram).front(), (Histogram::Bucket{0, 0, 3}));
  EXPECT_EQ(buckets_of(histogram).back().count, 3u);
}

TEST(Histogram, EveryValueIsInOneBucketNoWiderThanATenthOfAPercent) {
  Histogram histogram;
  for (std::int64_t value = 0; value <= hour_us; value = histogram.max_us() + 1) {
    histogram.record(value);
  }
  std::int64_t next = 0;
  histogram.for_each([&](const Histogram::Bucket& bucket) {
    ASSERT_EQ(bucket.lowest_us, next) << "a gap or an overlap";
    ASSERT_EQ(bucket.count, 1u);
    ASSERT_LE(bucket.highest_us - bucket.lowest_us, bucket.lowest_us / 1000);
    next = bucket.highest_us + 1;
  });
  EXPECT_EQ(next, hour_us + 1);
}

TEST(Histogram, OfSixteenWorkersMergedIsTheOneThatSawEverything) {
  std::mt19937_64 random(3);
  Histogram all, merged;
  for (int worker = 0; worker < 16; ++worker) {
    const auto values = random_latencies(random, 5'000 + 100 * static_cast<std::size_t>(worker));
    for (const auto value : values) {
      all.record(value);
    }
    merged.add(histogram_of(values));
  }
  EXPECT_EQ(buckets_of(merged), buckets_of(all));
  EXPECT_EQ(merged.count(), all.count());
  EXPECT_EQ(merged, all);
}

// ---- the public format

TEST(HistogramCodec, ReadsWhatTheReferenceInCWrote) {
  // 3335, 3108, 2638, 2567 and 2470 us, recorded from 1 to 3,600,000,000 with 3 digits.
  const auto* text = "HISTFAAAAC14nJNpmSzMwMDAywABzFCaEURcm7yEwf4DRGCpMlMskyvTZWam+4xMAKW6B74=";
  const auto read = Histogram::decode(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, histogram_of({3335, 3108, 2638, 2567, 2470}));
  EXPECT_EQ(read->encode(), text);
}

TEST(HistogramCodec, ReadsWhatTheReferenceInJavaScriptWroteWithAnotherRange) {
  const auto read = Histogram::decode("HISTFAAAAB542pNpmSzMwMDAxAABzFCaEUoz2X+AMIKZAEARAtM=");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, histogram_of({42}));
}

TEST(HistogramCodec, WhatIsWrittenIsReadBack) {
  std::mt19937_64 random(4);
  auto cases = adversarial();
  cases.push_back({});
  cases.push_back(random_latencies(random, 30'000));
  for (const auto& values : cases) {
    auto histogram = histogram_of(values);
    const auto read = Histogram::decode(histogram.encode());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, histogram);
  }
  Histogram full;  // all 23,221 buckets, and counts that no compression makes smaller
  for (std::int64_t value = 0; value <= hour_us; value = full.max_us() + 1) {
    full.record(value, (std::uint64_t{1} << 47) + random() % (std::uint64_t{1} << 46));
  }
  EXPECT_EQ(Histogram::decode(full.encode()).value(), full);
  Histogram many;
  many.record(7, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(Histogram::decode(many.encode()).value(), many);
}

TEST(HistogramCodec, RefusesWhatOthersMeanDifferently) {
  // Written by an old Go library with an offset of 1, hence with other values.
  const auto read = Histogram::decode(
      "HISTFAAAADV42pJpmSzMwMDAw8DAwMjAwMDMAAEgNsO1yUsY7D9ARZgOMzIddmO6voiJCRAAAP//nYsH5A==");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::usage);
  EXPECT_THAT(read.error().message, HasSubstr("expected a histogram in the HdrHistogram V2"));
}

TEST(HistogramCodec, TakesGarbageOfEveryLengthAsAnError) {
  std::mt19937_64 random(5);
  const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  for (std::size_t length = 0; length < 600; ++length) {
    std::string letters_only, bytes;
    for (std::size_t i = 0; i < length; ++i) {
      letters_only += letters[random() % letters.size()];
      bytes += static_cast<char>(random());
    }
    EXPECT_FALSE(Histogram::decode(letters_only)) << letters_only;
    EXPECT_FALSE(Histogram::decode(bytes));
  }
  EXPECT_FALSE(Histogram::decode(std::string(10'000'000, 'A')));
}

TEST(HistogramCodec, TakesATextThatWasCutOrChangedWithoutHarm) {
  std::mt19937_64 random(6);
  const auto histogram = histogram_of(random_latencies(random, 500));
  const auto text = histogram.encode();
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(Histogram::decode(text.substr(0, length))) << length;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto changed = text;
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    const auto read = Histogram::decode(changed);
    EXPECT_TRUE(!read || *read == histogram) << "zlib's checksum did not find it";
  }
}

// ---- the log

TEST(HistogramLog, IsTheOneThatPlottersRead) {
  const WallTime base{std::chrono::milliseconds(1'795'176'000'250)};
  EXPECT_EQ(log_header(base),
            "#[Histogram log format version 1.3]\n"
            "#[StartTime: 1795176000.250 (seconds since epoch), 2026-11-20T12:00:00.250Z]\n"
            "#[BaseTime: 1795176000.250 (seconds since epoch)]\n"
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
            "\"Interval_Compressed_Histogram\"\n");
  const auto histogram = histogram_of({3335, 3108, 2638, 2567, 2470});
  const std::string payload =
      "HISTFAAAAC14nJNpmSzMwMDAywABzFCaEURcm7yEwf4DRGCpMlMskyvTZWam+4xMAKW6B74=";
  EXPECT_EQ(log_line("", 1500ms, 1s, histogram), "1.500,1.000,3.335," + payload + "\n");
  EXPECT_EQ(log_line("checkout, new\n", 0s, 250ms, histogram),
            "Tag=checkout__new_,0.000,0.250,3.335," + payload + "\n");
}
