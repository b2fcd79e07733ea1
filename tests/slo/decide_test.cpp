#include "orchestrator/slo/decide.hpp"

#include "orchestrator/slo/summary.hpp"
#include "tests/slo/series.hpp"

#include <boost/math/special_functions/gamma.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>

using namespace faultline;
using namespace faultline::slo;
using namespace std::chrono_literals;

struct DecideCase {
  std::string name, story;
  double percent;
  std::uint64_t expected;
  std::size_t seen;  ///< letters seen of a window of 10
  Decision decision;
};

class DecideTable : public testing::TestWithParam<DecideCase> {};

Decision decide_good(const Series& series, Instant from, Instant to, Instant seen_until,
                     double percent, std::uint64_t expected) {
  return decide_share(so_far(series, from, to, seen_until, expected), is_good, percent);
}

TEST_P(DecideTable, Holds) {
  const auto& c = GetParam();
  EXPECT_EQ(
      decide_good(series_of(c.story), at(0s), at(1s), at(100ms * c.seen), c.percent, c.expected),
      c.decision);
}

INSTANTIATE_TEST_SUITE_P(
    Slo, DecideTable,
    testing::Values(DecideCase{"nothing_yet", "", 90, 10, 0, Decision::undecided},
                    DecideCase{"nothing_ever", "", 90, 10, 10, Decision::undecided},
                    DecideCase{"one_bad_may_still_hold", "gb", 90, 10, 2, Decision::undecided},
                    DecideCase{"two_bad_cannot_hold", "gbb", 90, 10, 3, Decision::broken},
                    DecideCase{"held_early", "ggggg", 50, 10, 5, Decision::holds},
                    DecideCase{"all_good_but_not_over", "gggggggggg", 100, 10, 9,
                               Decision::undecided},
                    DecideCase{"over_and_good", "gggggggggg", 100, 10, 10, Decision::holds},
                    DecideCase{"exactly_the_objective", "gggggggggb", 90, 10, 10, Decision::holds},
                    DecideCase{"degraded_is_not_good", "gggggggddd", 90, 10, 10, Decision::broken},
                    DecideCase{"more_than_expected", "ggggggggg", 100, 5, 9, Decision::undecided},
                    DecideCase{"fewer_than_expected", "ggggg", 100, 10, 10, Decision::holds}),
    [](const auto& bundle) { return bundle.param.name; });

TEST(Decide, NeverContradictsWhatTheWholeWindowWouldSay) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int early = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string story(10, 'g');
    for (auto& c : story) {
      c = random() % 4 == 0 ? 'b' : 'g';
    }
    const double percent = 10.0 * static_cast<double>(random() % 11);
    const auto last = decide_good(series_of(story), at(0s), at(1s), at(1s), percent, 10);
    for (std::size_t seen = 0; seen < 10; ++seen) {
      const auto now = decide_good(series_of(story.substr(0, seen)), at(0s), at(1s),
                                   at(100ms * seen), percent, 10);
      early += now == Decision::undecided ? 0 : 1;
      ASSERT_TRUE(now == Decision::undecided || now == last) << story << " " << percent;
    }
  }
  EXPECT_GT(early, 1'000);
}

// ---- every kind of decision, against every way in which the window can go on

namespace {

using Ask = std::function<Decision(const Window&)>;

/// 3 requests per s at most, over 4 s.
Sample random_sample(std::mt19937& random) {
  return sample(1ms * (random() % 4'000), random() % 4 == 0 ? Class::bad : Class::good,
                1ms * (random() % 20));
}

/// Lets the open requests turn out in every way: each not at all, good, slow or bad, in any of the
/// seconds that are still open. Tells which decisions the whole window came to.
struct Ends {
  bool held = false, broke = false;
};

void try_all(const Series& known, int open, Duration open_from, const Ask& ask, Ends& ends) {
  if (open == 0) {
    const auto decision = ask({known, at(0s), at(4s)});
    ends.held = ends.held || decision == Decision::holds;
    ends.broke = ends.broke || decision == Decision::broken;
    return;
  }
  try_all(known, open - 1, open_from, ask, ends);
  for (auto due = open_from; due < 4s; due += 1s) {
    for (const auto& end :
         {sample(due, Class::good, 0ms), sample(due, Class::good, 99ms), sample(due, Class::bad)}) {
      auto more = known;
      more.add(end);
      try_all(more, open - 1, open_from, ask, ends);
    }
  }
}

std::vector<Ask> questions(std::mt19937& random) {
  const auto percent = 10.0 * static_cast<double>(1 + random() % 10);
  const auto ms = static_cast<double>(random() % 20);
  const auto few = random() % 5;
  const auto per_s = static_cast<double>(random() % 12) / 4;
  return {[=](const Window& w) { return decide_share(w, is_good, percent); },
          [=](const Window& w) { return decide_latency(w, percent, ms); },
          [=](const Window& w) { return decide_bad(w, few); },
          [=](const Window& w) { return decide_bad_seconds(w, few); },
          [=](const Window& w) { return decide_throughput(w, is_good, per_s); }};
}

}  // namespace

TEST(Decide, AsEarlyAsNothingCanChangeItAndNotBefore) {
  std::mt19937 random(17);
  std::vector<int> early(5), late(5);
  for (int round = 0; round < 150; ++round) {
    Series known;
    for (auto n = 1 + random() % 10; n > 0; --n) {
      known.add(random_sample(random));
    }
    const int open = 1 + static_cast<int>(random() % 3);
    const auto open_from = 1s * (2 + random() % 2);
    const auto asks = questions(random);
    for (std::size_t i = 0; i < asks.size(); ++i) {
      const auto now =
          asks[i]({known, at(0s), at(4s), static_cast<std::uint64_t>(open), at(open_from)});
      Ends ends;
      try_all(known, open, open_from, asks[i], ends);
      ASSERT_EQ(now, ends.held && ends.broke ? Decision::undecided
                     : ends.held             ? Decision::holds
                                             : Decision::broken)
          << "question " << i << " in round " << round;
      ++(now == Decision::undecided ? late : early)[i];
    }
  }
  EXPECT_THAT(early, testing::Each(testing::Gt(20)));
  EXPECT_THAT(late, testing::Each(testing::Gt(5)));
}

TEST(Decide, AWholeWindowIsDecidedByItsDefinition) {
  std::mt19937 random(19);
  for (int round = 0; round < 2'000; ++round) {
    Series series;
    for (auto n = 1 + random() % 30; n > 0; --n) {
      series.add(random_sample(random));
    }
    const auto summary = summarize(series, at(0s), at(4s));
    const Window window{series, at(0s), at(4s)};
    const auto decided = [](bool holds) { return holds ? Decision::holds : Decision::broken; };
    const auto few = random() % 5;
    const auto ms = static_cast<double>(random() % 20);
    ASSERT_EQ(decide_latency(window, 90, ms), decided(summary.p90_ms <= ms));
    ASSERT_EQ(decide_latency(window, 50, ms), decided(summary.p50_ms <= ms));
    ASSERT_EQ(decide_bad(window, few), decided(summary.bad <= few));
    ASSERT_EQ(decide_bad_seconds(window, few), decided(summary.bad_seconds <= few));
    ASSERT_EQ(decide_throughput(window, is_good, 4), decided(summary.good >= 16));
    ASSERT_EQ(decide_share(window, is_served, 75), decided(summary.good_percent() >= 75));
  }
}

TEST(Decide, NothingWithoutARequest) {
  std::mt19937 random(23);
  const Series nothing;
  for (const auto& ask : questions(random)) {
    EXPECT_EQ(ask({nothing, at(0s), at(4s)}), Decision::undecided);
    EXPECT_EQ(ask({nothing, at(0s), at(4s), 3}), Decision::undecided);
  }
}

TEST(Decide, AWindowSoFarHasOpenRequestsUntilItIsOver) {
  const auto series = series_of("ggggg");
  const auto early = so_far(series, at(0s), at(1s), at(500ms), 11);
  EXPECT_EQ(early.open, 6u);
  EXPECT_EQ(early.open_from, at(500ms));
  EXPECT_EQ(so_far(series, at(0s), at(1s), at(900ms), 3).open, 1u) << "more came than expected";
  EXPECT_EQ(so_far(series, at(0s), at(1s), at(1s), 11).open, 0u);
  EXPECT_EQ(so_far(series, at(200ms), at(1s), at(0s), 11).open_from, at(200ms));
}
