#include "orchestrator/load/totals.hpp"

#include <gmock/gmock.h>

#include <random>

/// What workers say, merged: nothing is lost, nothing invented.
namespace faultline::load {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using Counts = std::map<std::string, std::uint64_t>;

struct Part {
  std::uint64_t good = 0;
  Counts errors;
  slo::Histogram latency, service;
};

Json line_of(std::int64_t second, const Part& part) {
  std::uint64_t bad = 0;
  for (const auto& [error, count] : part.errors) {
    bad += count;
  }
  return {{"second", second},
          {"good", part.good},
          {"degraded", 0},
          {"bad", bad},
          {"unsent", 0},
          {"errors", part.errors},
          {"latency", part.latency.encode()},
          {"service", part.service.encode()}};
}

Part part_of(std::initializer_list<std::int64_t> latencies_us, const Counts& errors = {}) {
  Part part{latencies_us.size(), errors, {}, {}};
  for (const auto us : latencies_us) {
    part.latency.record(us);
    part.service.record(us);
  }
  return part;
}

TEST(Totals, OfSixteenWorkersAreThoseOfOneThatSawEverythingBucketByBucket) {
  constexpr std::size_t workers = 16;
  constexpr int seconds = 3, each = 2'000;
  std::mt19937_64 random(5);
  std::lognormal_distribution<double> latency(7, 2);
  slo::Histogram everything;
  Counts errors;
  std::vector<std::vector<Json>> lines(workers);
  for (auto& own : lines) {
    for (int second = 0; second < seconds; ++second) {
      Part part{each, {{"reset", 1 + random() % 5}}, {}, {}};
      errors["reset"] += part.errors["reset"];
      for (int i = 0; i < each; ++i) {
        const auto us = static_cast<std::int64_t>(latency(random));
        part.latency.record(us);
        everything.record(us);
      }
      own.push_back(line_of(second, part));
    }
  }
  Totals totals(workers, {});
  for (std::size_t index = 0; index < workers; ++index) {
    for (const auto& line : lines[index]) {
      ASSERT_TRUE(totals.take(index, line));
    }
  }
  std::vector<slo::Histogram::Bucket> merged, truth;
  totals.all().latency.for_each([&](const auto& bucket) { merged.push_back(bucket); });
  everything.for_each([&](const auto& bucket) { truth.push_back(bucket); });
  EXPECT_GT(truth.size(), 1'000u);
  EXPECT_EQ(merged, truth);
  EXPECT_EQ(totals.all().errors, errors);
  EXPECT_EQ(totals.all().good, workers * seconds * each);
}

TEST(Totals, ASecondIsKnownWhenEveryWorkerHasToldOfIt) {
  std::vector<std::int64_t> known;
  Totals totals(2, [&](std::int64_t number, const Tally&) { known.push_back(number); });
  totals.take(0, line_of(0, part_of({100})));
  totals.take(0, line_of(1, part_of({100})));
  EXPECT_THAT(known, ElementsAre());
  totals.take(1, line_of(0, part_of({100})));
  EXPECT_THAT(known, ElementsAre(0));
  totals.ended(1);
  EXPECT_THAT(known, ElementsAre(0, 1)) << "nobody waits for a worker that is gone";
  EXPECT_EQ(totals.all().good, 3u);
}

TEST(Totals, ABadRequestIsSlowerThanAnyPercentileThatReachesIt) {
  Totals totals(1, {});
  std::initializer_list<std::int64_t> ninety_eight{100};
  auto part = part_of(ninety_eight, {{"deadline", 2}});
  part.latency.record(100, 97);
  part.good = 98;
  totals.take(0, line_of(0, part));
  totals.ended(0);
  const auto record = totals.record();
  EXPECT_NEAR(record["p90_ms"], 0.1, 0.001);
  EXPECT_TRUE(record["p99_ms"].is_null());
  EXPECT_TRUE(record["max_ms"].is_null());
  EXPECT_EQ(record["errors"], Json({{"deadline", 2}}));
}

TEST(Totals, OfNothingHaveNoFigures) {
  Totals totals(1, {});
  totals.take(0, {{"finished", 1}, {"begun", 0}, {"delay_p99_ms", 0.0}, {"busy", 0.0}});
  totals.ended(0);
  const auto record = totals.record();
  EXPECT_EQ(record["requests"], 0);
  for (const auto* field : {"p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms"}) {
    EXPECT_TRUE(record[field].is_null()) << field;
    EXPECT_TRUE(record["uncorrected"][field].is_null()) << field;
  }
  EXPECT_EQ(record["series"], Json::array());
}

TEST(Totals, OfFailuresAloneHaveNoServiceTimeEither) {
  Totals totals(1, {});
  totals.take(0, line_of(0, part_of({}, {{"connection refused", 7}})));
  totals.ended(0);
  EXPECT_TRUE(totals.record()["p50_ms"].is_null());
  EXPECT_TRUE(totals.record()["uncorrected"]["p50_ms"].is_null());
  EXPECT_EQ(totals.record()["bad"], 7);
}

TEST(Totals, KeepTheWorstWorkersLatenessAndItsWords) {
  Totals totals(2, {});
  totals.take(0, {{"finished", 1}, {"begun", 10}, {"delay_p99_ms", 0.3}, {"busy", 0.9}});
  EXPECT_FALSE(totals.finished());
  totals.take(1, {{"finished", 1}, {"begun", 11}, {"delay_p99_ms", 70.0}, {"busy", 0.2}});
  EXPECT_TRUE(totals.finished());
  EXPECT_EQ(totals.begun(), 21u);
  EXPECT_EQ(totals.delay_p99_ms(), 70);
  EXPECT_EQ(totals.busy(), 0.9);
  totals.take(1, {{"error", "spec: 'path' is missing"}});
  EXPECT_EQ(totals.problem(), "spec: 'path' is missing");
}

TEST(Totals, WhatIsNoWorkersLineIsRefused) {
  Totals totals(1, {});
  auto line = line_of(0, part_of({100}));
  line["latency"] = "HISTno";
  const auto taken = totals.take(0, line);
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, HasSubstr("not a worker's line"));
  EXPECT_FALSE(totals.take(0, {{"second", "first"}}));
}

}  // namespace
}  // namespace faultline::load
