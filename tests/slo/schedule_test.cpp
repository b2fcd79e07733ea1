#include "orchestrator/slo/schedule.hpp"

#include <gmock/gmock.h>

using namespace faultline;
using namespace faultline::slo;
using namespace std::chrono_literals;
using ::testing::DoubleNear;

namespace {

std::vector<double> first_seconds(Schedule schedule, std::size_t count) {
  std::vector<double> due;
  for (std::size_t i = 0; i < count; ++i) {
    due.push_back(std::chrono::duration<double>(schedule.next()).count());
  }
  return due;
}

}  // namespace

TEST(Schedule, AConstantRateIsDueAtEqualDistancesAndNeverDrifts) {
  Schedule schedule(Rate(30'000), Spacing::even, 1);
  Duration due{};
  for (int n = 0; n <= 30'000 * 60; ++n) {
    due = schedule.next();
  }
  EXPECT_NEAR(to_ms(due), 60'000, 0.000'01);  // request 1,800,000 a minute after request 0
}

TEST(Schedule, StepsAndRampsAddUpToTheAreaBelowThem) {
  // 10/s for 2 s, in a straight line to 30/s over 4 s, then 30/s for ever.
  const Rate rate({{10, 2s, false}, {30, 4s, true}});
  EXPECT_DOUBLE_EQ(rate.requests_within(2s), 20);
  EXPECT_DOUBLE_EQ(rate.requests_within(4s), 20 + 30);
  EXPECT_DOUBLE_EQ(rate.requests_within(6s), 20 + 80);
  EXPECT_DOUBLE_EQ(rate.requests_within(7s), 20 + 80 + 30);
  EXPECT_DOUBLE_EQ(rate.highest_per_s(), 30);
}

TEST(Schedule, ARampIsKeptThoughTheRateAfterItIsTheRateBeforeIt) {
  const Rate rate({{100, 10s, false}, {50, 10s, true}, {100, 0s, false}});
  EXPECT_DOUBLE_EQ(rate.requests_within(20s), 1000 + 750);
  EXPECT_DOUBLE_EQ(rate.requests_within(21s), 1000 + 750 + 100);
}

TEST(Schedule, TheInverseOfARateIsItsInverse) {
  const Rate rate(
      {{0, 1s, false}, {50, 3s, true}, {5, 2s, true}, {200, 1s, false}, {40, 1s, false}});
  for (double requests = 0.5; requests < 600; requests += 0.5) {
    EXPECT_THAT(rate.requests_within(rate.time_of(requests)), DoubleNear(requests, 1e-6));
  }
}

TEST(Schedule, ARampFromNothingBeginsSlowly) {
  const auto due = first_seconds(Schedule(Rate({{100, 10s, true}}), Spacing::even, 1), 6);
  // n requests are due when 5 t^2 = n.
  for (std::size_t n = 0; n < due.size(); ++n) {
    EXPECT_NEAR(due[n], std::sqrt(static_cast<double>(n) / 5), 1e-8);
  }
}

TEST(Schedule, ALoadThatEndsHasNoFurtherRequest) {
  Schedule schedule(Rate({{10, 1s, false}, {0, 1s, false}}), Spacing::even, 1);
  for (int n = 0; n < 10; ++n) {
    EXPECT_EQ(schedule.next(), n * 100ms);
  }
  EXPECT_EQ(schedule.next(), Duration::max());
}

TEST(Schedule, APauseIsNoEnd) {
  Schedule schedule(Rate({{2, 1s, false}, {0, 5s, false}, {2, 1s, false}}), Spacing::even, 1);
  EXPECT_EQ(schedule.next(), 0s);
  EXPECT_EQ(schedule.next(), 500ms);
  EXPECT_EQ(schedule.next(), 6s);
}

TEST(Schedule, WorkersThatShareALoadSendEachRequestOnce) {
  std::vector<double> together;
  for (std::uint64_t index = 0; index < 4; ++index) {
    const auto share = first_seconds(Schedule(Rate(100), Spacing::even, 1, index, 4), 25);
    together.insert(together.end(), share.begin(), share.end());
  }
  std::ranges::sort(together);
  EXPECT_EQ(together, first_seconds(Schedule(Rate(100), Spacing::even, 1), 100));
}

TEST(Schedule, PoissonArrivalsHaveTheRateAndTheSpreadOfPoisson) {
  // Of 200 windows of 1 s at 100/s: mean 100, variance 100 (its standard error is 10 %).
  for (const std::uint64_t workers : {1, 4}) {
    std::vector<int> counts(200);
    for (std::uint64_t index = 0; index < workers; ++index) {
      Schedule schedule(Rate(100), Spacing::poisson, 7, index, workers);
      for (auto due = schedule.next(); due < 200s; due = schedule.next()) {
        ++counts[static_cast<std::size_t>(due / 1s)];
      }
    }
    double sum = 0, squares = 0;
    for (const double count : counts) {
      sum += count;
      squares += (count - 100) * (count - 100);
    }
    EXPECT_NEAR(sum / 200, 100, 3);
    EXPECT_NEAR(squares / 200, 100, 40);
  }
}

TEST(Schedule, TheSameSeedIsTheSameLoad) {
  const auto due = [](std::uint64_t seed) {
    return first_seconds(Schedule(Rate(10), Spacing::poisson, seed), 50);
  };
  EXPECT_EQ(due(3), due(3));
  EXPECT_NE(due(3), due(4));
}
