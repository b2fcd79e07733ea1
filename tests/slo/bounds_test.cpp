#include "orchestrator/slo/bounds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

using namespace faultline;
using namespace faultline::slo;
using namespace std::chrono_literals;

TEST(Bounds, TheFiguresOfTheDesignHold) {
  EXPECT_GE(established_percent(2'995, 2'995), 99.9);
  EXPECT_LT(established_percent(2'994, 2'994), 99.9);
  EXPECT_EQ(requests_to_establish(99.9), 2'995u);
  EXPECT_EQ(requests_to_express(99.9), 1'000u);
  EXPECT_EQ(requests_to_express(97), 34u);
  EXPECT_EQ(requests_to_express(100), 1u);
  EXPECT_EQ(established_percent(0, 0), 0);
  EXPECT_EQ(established_percent(0, 10), 0);
}

namespace {
/// P(at least `good` of `requests`) when each is good with probability p, summed term by term.
double at_least_probability(int good, int requests, double p) {
  double sum = 0;
  for (int k = good; k <= requests; ++k) {
    sum += std::exp(std::lgamma(requests + 1) - std::lgamma(k + 1) - std::lgamma(requests - k + 1) +
                    k * std::log(p) + (requests - k) * std::log1p(-p));
  }
  return sum;
}
}  // namespace

TEST(Bounds, TheBoundIsTheShareAtWhichTheSampleHasFivePercentChance) {
  for (const int requests : {1, 2, 7, 50, 500}) {
    for (int good = 1; good <= requests; good += 1 + requests / 10) {
      const double p = established_percent(static_cast<std::uint64_t>(good),
                                           static_cast<std::uint64_t>(requests)) /
                       100;
      EXPECT_NEAR(at_least_probability(good, requests, p), 0.05, 1e-6)
          << good << " of " << requests;
    }
  }
}

TEST(Bounds, BudgetIsAShareOfTwentyEightDays) {
  // 99.9 % of 100/s for 28 days allows 241,920 bad requests.
  EXPECT_NEAR(budget_burned_percent(99.9, 2'419, 100), 1.0, 0.001);
  EXPECT_EQ(budget_burned_percent(99.9, 0, 100), 0);
  EXPECT_TRUE(std::isinf(budget_burned_percent(100, 1, 100)));
}
