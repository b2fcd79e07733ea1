#include "orchestrator/slo/judge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace faultline;
using namespace faultline::slo;
using namespace std::chrono_literals;

namespace {

const Instant start{std::chrono::hours(1)};

Instant at(Duration offset) {
  return start + offset;
}

Sample sample(Duration due, Class result, Duration latency = 1ms) {
  return {at(due), latency, latency, result, 0};
}

/// One request every 100 ms from the start: 'g' good, 'd' degraded, 'b' bad, '.' none.
Series series_of(std::string_view story) {
  Series series;
  for (std::size_t i = 0; i < story.size(); ++i) {
    if (story[i] != '.') {
      const auto result = story[i] == 'g'   ? Class::good
                          : story[i] == 'd' ? Class::degraded
                                            : Class::bad;
      series.add(sample(100ms * i, result));
    }
  }
  return series;
}

}  // namespace

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
  EXPECT_DOUBLE_EQ(summary.service_p99_ms, 97);  // uncorrected: the two failures took 1 us
}

TEST(Summary, OfNothingIsAllZero) {
  const auto summary = summarize(Series{}, at(0s), at(1s));
  EXPECT_EQ(summary.requests, 0u);
  EXPECT_EQ(summary.good_percent(), 0);
  EXPECT_EQ(summary.p99_ms, 0);
}

// ---- bounds

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

// ---- recovery

struct RecoveryCase {
  std::string name, story;  ///< one letter each 100 ms; the disruption is at 500 ms
  std::optional<double> symptom, first_success, sustained;
  double actual;
  bool censored;
};

class RecoveryTable : public testing::TestWithParam<RecoveryCase> {};

TEST_P(RecoveryTable, Holds) {
  const auto& c = GetParam();
  const auto series = series_of(c.story);
  const auto until = at(100ms * c.story.size());
  const auto r = measure_recovery(series, at(500ms), until, 500ms);
  EXPECT_EQ(r.symptom_ms, c.symptom);
  EXPECT_EQ(r.first_success_ms, c.first_success);
  EXPECT_EQ(r.sustained_ms, c.sustained);
  EXPECT_DOUBLE_EQ(r.actual_ms, c.actual);
  EXPECT_EQ(r.censored, c.censored);
}

INSTANTIATE_TEST_SUITE_P(
    Slo, RecoveryTable,
    testing::Values(
        RecoveryCase{"nothing_observed", "ggggg..........", {}, {}, {}, 1000, true},
        RecoveryCase{"no_symptom", "ggggggggggggggg", {}, {}, {}, 0, false},
        RecoveryCase{"bad_before_the_disruption_only", "ggbbbgggggggggg", {}, {}, {}, 0, false},
        RecoveryCase{"plain", "gggggggbbbgggggggg", 200, 500, 500, 500, false},
        RecoveryCase{"bad_at_once", "gggggbgggggggggg", 0, 100, 100, 100, false},
        RecoveryCase{"degraded_counts_as_back", "gggggbbdddddddddg", 0, 200, 200, 200, false},
        RecoveryCase{"flapping", "gggggbbgbgbggggggggg", 0, 200, 600, 600, false},
        RecoveryCase{"flapping_just_too_short", "gggggbggggbgggggggg", 0, 100, 600, 600, false},
        RecoveryCase{"bad_again_after_sustain", "gggggbgggggbbbbbbb", 0, 100, 100, 100, false},
        RecoveryCase{"never", "gggggbbbbbbbbbb", 0, {}, {}, 1000, true},
        RecoveryCase{"not_yet_sustained", "gggggbbbbbbgggg", 0, 600, {}, 1000, true},
        RecoveryCase{"gaps_do_not_count_as_bad", "gggggb...g...g...g", 0, 400, 400, 400, false}),
    [](const auto& bundle) { return bundle.param.name; });

TEST(Recovery, ResolutionIsTheTimeBetweenTwoProbes) {
  EXPECT_DOUBLE_EQ(
      measure_recovery(series_of("gggggbbgggggggg"), at(500ms), at(1500ms), 300ms).resolution_ms,
      100);
}

namespace {
/// The definition, word by word: the first good request from which `sustain` stays good.
std::optional<double> sustained_by_definition(const Series& series, Instant disruption,
                                              Instant until, Duration sustain) {
  const auto samples = series.between(disruption, until);
  bool symptom = false;
  for (const auto& first : samples) {
    symptom = symptom || first.result == Class::bad;
    const auto end = first.due + sustain;
    const auto window = series.between(first.due, end);
    if (symptom && end <= until &&
        std::ranges::none_of(window, [](const Sample& s) { return s.result == Class::bad; })) {
      return to_ms(first.due - disruption);
    }
  }
  return {};
}

std::string random_story(std::mt19937& random) {
  std::string story(random() % 40, 'g');
  const auto bad_share = random() % 10;
  for (auto& c : story) {
    const auto draw = random() % 10;
    c = draw < bad_share ? 'b' : draw == 9 ? 'd' : random() % 8 == 0 ? '.' : 'g';
  }
  return story;
}
}  // namespace

TEST(Recovery, AgreesWithTheDefinitionOnRandomSeries) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const auto story = random_story(random);
    const auto series = series_of(story);
    const auto disruption = at(100ms * (random() % 10));
    const auto until = at(100ms * (story.size() + random() % 5));
    const auto sustain = 100ms * (1 + random() % 8);
    const auto r = measure_recovery(series, disruption, until, sustain);
    ASSERT_EQ(r.sustained_ms, sustained_by_definition(series, disruption, until, sustain))
        << story << " sustain " << to_ms(sustain);
  }
}

// ---- deciding early

struct DecideCase {
  std::string name, story;
  double percent;
  std::uint64_t expected;
  std::size_t seen;  ///< letters seen of a window of 10
  Decision decision;
};

class DecideTable : public testing::TestWithParam<DecideCase> {};

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
