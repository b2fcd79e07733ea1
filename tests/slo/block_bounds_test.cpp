#include "orchestrator/slo/block_bounds.hpp"

#include "orchestrator/slo/bounds.hpp"
#include "tests/slo/series.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

using namespace faultline;
using namespace faultline::slo;
using namespace std::chrono_literals;

namespace {

constexpr int rate_per_s = 10;

/// A service that fails, or is slow, in bursts: they begin at random and take all requests of
/// `burst_s` or so with them. Besides, single requests are lost.
struct Bursts {
  double share = 0;    ///< of all time
  double burst_s = 1;  ///< exactly, or on average
  bool exact = true;
  double alone_share = 0;  ///< of all requests, each on its own
  double slow_ms = 0;      ///< 0: requests of a burst are bad, else that slow
};

Series simulate(std::mt19937_64& random, const Bursts& bursts, int seconds) {
  std::exponential_distribution<double> until_next(-std::log(1 - bursts.share) / bursts.burst_s);
  std::exponential_distribution<double> length(1 / bursts.burst_s);
  std::exponential_distribution<double> latency_ms(0.1);
  std::bernoulli_distribution alone(bursts.alone_share);
  Series series;
  double begins = until_next(random) - 10 * bursts.burst_s, ends = 0;
  for (int i = 0; i < seconds * rate_per_s; ++i) {
    const double now = static_cast<double>(i) / rate_per_s;
    while (begins <= now) {
      ends = std::max(ends, begins + (bursts.exact ? bursts.burst_s : length(random)));
      begins += until_next(random);
    }
    const bool in_burst = now < ends;
    const bool bad = alone(random) || (in_burst && bursts.slow_ms == 0);
    const double ms = latency_ms(random) + (in_burst ? bursts.slow_ms : 0);
    series.add(sample(1ms * (1'000 / rate_per_s) * i, bad ? Class::bad : Class::good,
                      std::chrono::microseconds(std::llround(ms * 1'000))));
  }
  return series;
}

struct Coverage {
  double by_blocks = 0, by_requests = 0;  ///< how often the bound was below the truth
};

/// Over many windows. The truth is known: bursts that begin at random are on for `share` of all
/// time.
Coverage coverage_of(const Bursts& bursts, int window_s, Duration block) {
  constexpr int rounds = 400;
  std::mt19937_64 random(11);
  const double truth = 100 * (1 - bursts.share) * (1 - bursts.alone_share);
  Coverage coverage;
  for (int i = 0; i < rounds; ++i) {
    const auto series = simulate(random, bursts, window_s);
    const auto counted = count(series, at(0s), at(1s * window_s), is_good);
    const auto bound = established_by_blocks(series, at(0s), at(1s * window_s), is_good, block);
    coverage.by_blocks += bound.percent <= truth ? 1.0 / rounds : 0;
    coverage.by_requests +=
        established_percent(counted.kept, counted.requests) <= truth ? 1.0 / rounds : 0;
  }
  return coverage;
}

/// Blocks of 1 s with 10 requests each, of which the first `lost` seconds lose all.
Series all_or_nothing(int seconds, int lost) {
  return series_of(std::string(static_cast<std::size_t>(lost) * 10, 'b') +
                   std::string(static_cast<std::size_t>(seconds - lost) * 10, 'g'));
}

}  // namespace

TEST(BlockBounds, WithoutALossBlocksEstablishWhatAsManyRequestsWould) {
  const auto series = all_or_nothing(60, 0);
  const auto bound = established_by_blocks(series, at(0s), at(60s), is_good);
  EXPECT_EQ(bound.blocks, 12u);
  EXPECT_DOUBLE_EQ(bound.percent, established_percent(12, 12));
  EXPECT_DOUBLE_EQ(established_by_blocks(series, at(0s), at(60s), is_good, 1s).percent,
                   established_percent(60, 60));
  EXPECT_GT(established_percent(600, 600), 99.5) << "which is what single requests would claim";
}

TEST(BlockBounds, WhereBlocksAreAllOrNothingItIsClopperPearsonOfBlocks) {
  for (const int seconds : {5, 20, 100}) {
    for (int lost = 1; lost < seconds; lost += 1 + seconds / 6) {
      const auto bound = established_by_blocks(all_or_nothing(seconds, lost), at(0s),
                                               at(1s * seconds), is_good, 1s);
      EXPECT_NEAR(bound.percent,
                  established_percent(static_cast<std::uint64_t>(seconds - lost),
                                      static_cast<std::uint64_t>(seconds)),
                  0.6)
          << lost << " of " << seconds;
    }
  }
}

TEST(BlockBounds, OfNothingEstablishNothing) {
  const auto bound = established_by_blocks(Series{}, at(0s), at(60s), is_good);
  EXPECT_EQ(bound.percent, 0);
  EXPECT_EQ(bound.blocks, 0u);
  EXPECT_EQ(established_by_blocks(all_or_nothing(9, 0), at(5s), at(5s), is_good).blocks, 0u);
  EXPECT_LT(established_by_blocks(all_or_nothing(9, 9), at(0s), at(9s), is_good, 1s).percent, 1);
}

TEST(BlockBounds, AWindowIsCutIntoEqualBlocksAndEmptyOnesAreNoSample) {
  EXPECT_EQ(blocks_in(12s, 5s), 2u);
  EXPECT_EQ(blocks_in(3s, 5s), 1u);
  const auto series = series_of("gggggggggg" + std::string(20, '.') + "gggggggggg");
  EXPECT_EQ(established_by_blocks(series, at(0s), at(4s), is_good, 1s).blocks, 2u);
  EXPECT_EQ(established_by_blocks(series, at(0s), at(3'999ms), is_good, 1s).blocks, 2u);
}

TEST(BlockBounds, LossesThatComeTogetherEstablishLessThanTheSameSpread) {
  std::string together(3'000, 'g'), spread = together;
  for (std::size_t i = 0; i < 120; ++i) {
    together[1'000 + i] = 'b';
    spread[25 * i] = 'b';
  }
  const auto bound = [](const std::string& story) {
    return established_by_blocks(series_of(story), at(0s), at(300s), is_good).percent;
  };
  EXPECT_LT(bound(together), bound(spread) - 1);
  EXPECT_LT(bound(spread), 96) << "which is what was kept";
  EXPECT_EQ(bound(spread), bound(spread)) << "equal samples give equal bounds";
}

/// A 95 % bound is below the truth in at least 95 % of all windows; of 400, chance alone lets it
/// fall to 93 %.
TEST(BlockBounds, CoverTheTruthWhereFailuresComeInBurstsAndSingleRequestsDoNot) {
  const std::vector<Bursts> cases{{.share = 0.01, .burst_s = 5},
                                  {.share = 0.05, .burst_s = 5},
                                  {.share = 0.2, .burst_s = 5},
                                  {.share = 0.4, .burst_s = 5},
                                  {.share = 0.05, .burst_s = 1},
                                  {.share = 0.1, .burst_s = 2, .exact = false},
                                  {.share = 0.05, .burst_s = 3, .alone_share = 0.02}};
  for (const auto& bursts : cases) {
    const auto coverage = coverage_of(bursts, 120, default_block);
    EXPECT_GE(coverage.by_blocks, 0.93) << bursts.share << " in bursts of " << bursts.burst_s;
    EXPECT_LT(coverage.by_requests, 0.9) << bursts.share << " in bursts of " << bursts.burst_s;
  }
}

TEST(BlockBounds, CoverTheTruthWhereRequestsAreLostOneByOneToo) {
  const auto coverage = coverage_of({.share = 1e-9, .alone_share = 0.05}, 120, default_block);
  EXPECT_GE(coverage.by_blocks, 0.93);
  EXPECT_GE(coverage.by_requests, 0.93) << "there, and only there, single requests are right";
}

TEST(BlockBounds, ABlockMustBeAsLongAsAFailure) {
  const Bursts bursts{.share = 0.05, .burst_s = 5};
  EXPECT_LT(coverage_of(bursts, 120, 1s).by_blocks, 0.9);
  EXPECT_GE(coverage_of(bursts, 120, 10s).by_blocks, 0.93);
}

// ---- latency

TEST(LatencyBound, NeedsAsManyBlocksAsThePercentile) {
  std::mt19937_64 random(5);
  const auto series = simulate(random, {.share = 1e-9}, 300);
  EXPECT_TRUE(latency_bound_ms(series, at(0s), at(145s), 90).has_value());   // 29 blocks
  EXPECT_FALSE(latency_bound_ms(series, at(0s), at(140s), 90).has_value());  // 28
  EXPECT_FALSE(latency_bound_ms(series, at(0s), at(300s), 99).has_value());
  EXPECT_FALSE(latency_bound_ms(Series{}, at(0s), at(300s), 50).has_value());
}

TEST(LatencyBound, IsNoneWhereThePercentileMayLieAmongBadRequests) {
  std::string story(3'000, 'g');
  std::ranges::fill_n(story.begin(), 250, 'b');  // 8.3 % of 300 s, in one piece
  EXPECT_FALSE(latency_bound_ms(series_of(story), at(0s), at(300s), 90).has_value());
  EXPECT_EQ(latency_bound_ms(series_of(story), at(0s), at(300s), 50), 1.0);
}

TEST(LatencyBound, CoversTheTruthWhereSlownessComesInBursts) {
  constexpr int rounds = 150;
  const Bursts bursts{.share = 0.08, .burst_s = 4, .slow_ms = 200};
  std::mt19937_64 random(13);
  // Outside bursts latency is exponential with a mean of 10 ms: 90 % of all are 90/92 of those.
  const double truth = -10 * std::log(1 - 0.9 / (1 - bursts.share));
  int covered = 0, finite = 0;
  for (int i = 0; i < rounds; ++i) {
    const auto bound = latency_bound_ms(simulate(random, bursts, 400), at(0s), at(400s), 90);
    covered += !bound || *bound >= truth ? 1 : 0;
    finite += bound ? 1 : 0;
  }
  EXPECT_GE(covered, rounds * 93 / 100);
  EXPECT_GT(finite, rounds / 2);
}
