#include "orchestrator/slo/burn.hpp"

#include "tests/slo/series.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace faultline;
using namespace faultline::slo;
using namespace std::chrono_literals;

namespace {

/// 10 requests a second, each bad with the probability of its second.
Series random_series(std::mt19937& random, int seconds) {
  Series series;
  std::uniform_real_distribution<double> uniform;
  double bad_share = 0;
  for (int i = 0; i < seconds * 10; ++i) {
    if (random() % 40 == 0) {
      bad_share = random() % 2 == 0 ? 0 : uniform(random);
    }
    if (random() % 500 != 0 && i / 200 % 5 != 4) {  // 20 s of every 100 without a request
      const auto result = uniform(random) < bad_share ? Class::bad
                          : random() % 10 == 0        ? Class::degraded
                                                      : Class::good;
      series.add(sample(100ms * i, result));
    }
  }
  return series;
}

/// The definition: lost of all, of what may be lost.
std::optional<double> by_counting(const Series& series, double objective, Instant from,
                                  Instant to) {
  double all = 0, lost = 0;
  for (const auto& s : series.samples()) {
    if (s.due >= from && s.due < to) {
      all += 1;
      lost += s.result == Class::good ? 0 : 1;
    }
  }
  return all == 0 ? std::nullopt : std::optional(lost / all / ((100 - objective) / 100));
}

}  // namespace

TEST(Burn, AFailureOnTheEdgeOfTheWindowCountsByWhenItWasDue) {
  const auto series = series_of("bgggggggggb");  // due at 0 s and at 1 s
  const Tally tally(series, is_good);
  EXPECT_DOUBLE_EQ(burn_rate(tally, 99, at(1s), 1s).value(), 10);       // the first of 10
  EXPECT_DOUBLE_EQ(burn_rate(tally, 99, at(1'100ms), 1s).value(), 10);  // the last of 10
  EXPECT_DOUBLE_EQ(burn_rate(tally, 90, at(1'100ms), 1h).value(), 20.0 / 11);
}

TEST(Burn, OfNoRequestIsUnknownAndOfAnObjectiveWithoutBudgetInfinite) {
  const auto series = series_of("gb");
  const Tally tally(series, is_good);
  EXPECT_FALSE(burn_rate(tally, 99, at(10s), 1s).has_value());
  EXPECT_EQ(burn_rate(tally, 100, at(100ms), 1s), 0);
  EXPECT_TRUE(std::isinf(burn_rate(tally, 100, at(1s), 1s).value()));
  EXPECT_FALSE(watch_burn(tally, 99, {10s, 1s, 5}, at(20s), at(60s), at(60s)).has_value());
}

TEST(Burn, AnAlertBeginsWithTheLongWindowAndEndsWithTheShortOne) {
  // 100 s of 10/s; from 40 s on all fail for 10 s. Of 99 %, that is 100 times the allowed share.
  const auto series =
      series_of(std::string(400, 'g') + std::string(100, 'b') + std::string(500, 'g'));
  const Tally tally(series, is_good);
  const BurnRule rule{.long_window = 40s, .short_window = 5s, .factor = 10};
  const auto burn = watch_burn(tally, 99, rule, at(0s), at(100s), at(100s));
  ASSERT_TRUE(burn.has_value());
  // Above 10 % of the long window are 5 s of 40: at 45 s. The short one forgets them by 55 s, but
  // before that it falls below 10 % of 5 s, which is 0.5 s.
  EXPECT_EQ(burn->alerted_at, at(45s));
  EXPECT_EQ(burn->ended_at, at(55s));
  EXPECT_DOUBLE_EQ(burn->worst, 25);  // 10 s of 40
  EXPECT_EQ(burn->worst_at, at(50s));
}

TEST(Burn, AMomentAndABurnThatIsOverDoNotAlert) {
  const auto moment =
      series_of(std::string(400, 'g') + std::string(20, 'b') + std::string(400, 'g'));
  const auto still_burning = series_of(std::string(400, 'g') + std::string(200, 'b'));
  const BurnRule rule{.long_window = 40s, .short_window = 5s, .factor = 10};
  EXPECT_FALSE(watch_burn(Tally(moment, is_good), 99, rule, at(0s), at(82s), at(82s))->alerted_at);
  // Looked at only 30 s after the burn has ended, the long window alone is above the factor.
  const Tally over(still_burning, is_good);
  EXPECT_GT(burn_rate(over, 99, at(62s), rule.long_window).value(), rule.factor);
  EXPECT_FALSE(watch_burn(over, 99, rule, at(64s), at(90s), at(90s)).has_value())
      << "no data, no alert";
  const auto burning = watch_burn(over, 99, rule, at(0s), at(60s), at(60s));
  EXPECT_TRUE(burning->alerted_at && !burning->ended_at);
}

TEST(Burn, IsLookedAtAtTheEndOfAWindowThatIsNoWholeNumberOfSecondsOnceAllOfItIsKnown) {
  const auto series = series_of(std::string(101, 'g') + std::string(8, 'b'));  // bad from 10.1 s on
  const Tally tally(series, is_good);
  const BurnRule rule{.long_window = 10s, .short_window = 1s, .factor = 5};
  EXPECT_FALSE(watch_burn(tally, 99, rule, at(0s), at(10'900ms), at(10'800ms))->alerted_at);
  const auto burn = watch_burn(tally, 99, rule, at(0s), at(10'900ms), at(10'900ms));
  EXPECT_EQ(burn->alerted_at, at(10'900ms));
  EXPECT_TRUE(watch_burn(tally, 99, rule, at(0s), at(500ms), at(500ms)).has_value());
}

TEST(Burn, AgreesWithCountingOverRandomSeries) {
  std::mt19937 random(7);
  int alerts = 0;
  for (int round = 0; round < 40; ++round) {
    const auto series = random_series(random, 300);
    const Tally tally(series, is_good);
    const double objective = std::array{90.0, 99.0, 99.9}[random() % 3];
    const BurnRule rule{1s * (10 + random() % 60), 1s * (1 + random() % 9),
                        1.0 + static_cast<double>(random() % 20)};
    std::optional<double> worst;
    std::optional<Instant> alerted, ended;
    for (auto now = at(51s); now <= at(300s); now += 1s) {
      const auto longer = by_counting(series, objective, now - rule.long_window, now);
      const auto shorter = by_counting(series, objective, now - rule.short_window, now);
      const bool on = longer && shorter && *longer > rule.factor && *shorter > rule.factor;
      if (longer && shorter) {
        worst = std::max(worst.value_or(0), std::min(*longer, *shorter));
      }
      alerted = !alerted && on ? now : alerted;
      ended = alerted && !ended && !on ? now : ended;
      if (shorter) {
        ASSERT_NEAR(burn_rate(tally, objective, now, rule.short_window).value(), *shorter, 1e-9);
      }
    }
    const auto burn = watch_burn(tally, objective, rule, at(50s), at(300s), at(300s));
    ASSERT_EQ(burn.has_value(), worst.has_value());
    ASSERT_NEAR(burn->worst, *worst, 1e-9);
    ASSERT_EQ(burn->alerted_at, alerted);
    ASSERT_EQ(burn->ended_at, ended);
    alerts += alerted ? 1 : 0;
  }
  EXPECT_GT(alerts, 5);
  EXPECT_LT(alerts, 40);
}
