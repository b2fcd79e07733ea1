#include "orchestrator/slo/recovery.hpp"

#include "tests/slo/series.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

using namespace faultline;
using namespace faultline::slo;
using namespace std::chrono_literals;

/// It stays so when not one request of the next `window` is bad.
Sustain whole(Duration window) {
  return {.window = window, .good = 1, .of = 1};
}

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
  const auto r = measure_recovery(series, at(500ms), until, whole(500ms));
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
  EXPECT_DOUBLE_EQ(measure_recovery(series_of("gggggbbgggggggg"), at(500ms), at(1500ms), Sustain{})
                       .resolution_ms,
                   100);
}

namespace {
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

// ---- k of n windows

struct SustainedCase {
  std::string name, story;  ///< one letter each 100 ms; the disruption is at 500 ms
  std::optional<double> symptom, first_success, sustained;
};

class SustainedTable : public testing::TestWithParam<SustainedCase> {};

/// 4 of 5 windows of 200 ms.
TEST_P(SustainedTable, Holds) {
  const auto& c = GetParam();
  const auto until = at(100ms * c.story.size());
  const auto r = measure_recovery(series_of(c.story), at(500ms), until, Sustain{200ms, 4, 5});
  EXPECT_EQ(r.symptom_ms, c.symptom);
  EXPECT_EQ(r.first_success_ms, c.first_success);
  EXPECT_EQ(r.sustained_ms, c.sustained);
  EXPECT_EQ(r.censored, c.symptom && !c.sustained);
}

INSTANTIATE_TEST_SUITE_P(
    Slo, SustainedTable,
    testing::Values(
        SustainedCase{"no_symptom", "ggggggggggggggggg", {}, {}, {}},
        SustainedCase{"plain", "gggggggbbbggggggggggg", 200, 500, 500},
        SustainedCase{"known_when_four_are_good", "gggggbbgggggggg", 0, 200, 200},
        SustainedCase{"not_yet_known", "gggggbbggggggg", 0, 200, {}},
        SustainedCase{"one_blip_does_not_move_it", "gggggbbggbggggggggg", 0, 200, 200},
        SustainedCase{"the_first_window_must_be_good", "gggggbbgbggggggggggg", 0, 200, 400},
        SustainedCase{"two_bad_windows_do", "gggggbbggbgbggggggggggg", 0, 200, 700},
        SustainedCase{"flapping_never_is", "gggggbbgbgbgbgbgbgbgbgbgb", 0, 200, {}},
        SustainedCase{"degraded_counts_as_back", "gggggbbddddddddddd", 0, 200, 200},
        SustainedCase{"nothing_asked_is_nothing_shown", "gggggbbgg...........", 0, 200, {}}),
    [](const auto& bundle) { return bundle.param.name; });

namespace {
/// The definition, word by word, with the windows' real length.
std::optional<double> windows_by_definition(const Series& series, Instant disruption, Instant until,
                                            const Sustain& sustain, Duration window) {
  bool symptom = false;
  for (const auto& first : series.between(disruption, until)) {
    symptom = symptom || first.result == Class::bad;
    std::vector<bool> kept;
    for (auto from = first.due; from + window <= until; from += window) {
      const auto in = series.between(from, from + window);
      kept.push_back(!in.empty() && std::ranges::all_of(in, is_served));
    }
    kept.resize(static_cast<std::size_t>(sustain.of));
    if (symptom && is_served(first) && kept[0] && std::ranges::count(kept, true) >= sustain.good) {
      return to_ms(first.due - disruption);
    }
  }
  return {};
}
}  // namespace

TEST(Recovery, KOfNWindowsAgreesWithTheDefinitionOnRandomSeries) {
  std::mt19937 random(29);
  int sustained = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto story = random_story(random) + random_story(random);
    const auto series = series_of(story);
    const auto disruption = at(100ms * (random() % 10));
    const auto until = at(100ms * (story.size() + random() % 5));
    const int of = 1 + static_cast<int>(random() % 6);
    const Sustain sustain{100ms * (1 + random() % 4), 1 + static_cast<int>(random() % of), of};
    const auto r = measure_recovery(series, disruption, until, sustain);
    // Rounding of the time between probes may not decide: compare with what was used.
    const auto resolution = std::chrono::nanoseconds(std::llround(r.resolution_ms * 1e6));
    const auto window = std::max<Duration>(sustain.window, 2 * resolution);
    ASSERT_EQ(r.sustained_ms, windows_by_definition(series, disruption, until, sustain, window))
        << story << " " << sustain.good << " of " << sustain.of;
    sustained += r.sustained_ms ? 1 : 0;
  }
  EXPECT_GT(sustained, 2'000);
}

// ---- the queue that is left

namespace {
/// 100 requests a second to a server that can do 200, and that does nothing from 0.5 s to 1.5 s:
/// what is due meanwhile waits for its turn, until the queue is gone 1 s later.
Series stalled_for_a_second() {
  Series series;
  Duration free_at{};
  for (auto due = 0ms; due < 6s; due += 10ms) {
    const Duration from = due >= 500ms && due < 1'500ms ? 1'500ms : due;
    free_at = std::max<Duration>(from, free_at) + 5ms;
    series.add(sample(due, Class::good, free_at - due));
  }
  return series;
}
}  // namespace

TEST(Backlog, OfAServerThatStallsForASecondDrainsWhenArithmeticSaysSo) {
  const auto series = stalled_for_a_second();
  const auto level = backlog_level_ms(5);
  EXPECT_EQ(level, 10);
  const auto backlog = measure_backlog(series, at(500ms), at(6s), level, Sustain{});
  EXPECT_EQ(backlog.began_ms, 0);
  // The request due at t ends at 1.5 s + (t - 0.5 s) / 2 + 5 ms, so it took 10 ms from 2.49 s on.
  EXPECT_EQ(backlog.drained_ms, 1'990);
  const auto recovery = measure_recovery(series, at(500ms), at(6s), Sustain{});
  EXPECT_FALSE(recovery.symptom_ms.has_value()) << "every answer came: only the queue shows it";
}

TEST(Backlog, IsNoneWhenOnlySingleRequestsAreSlow) {
  Series series;
  for (int i = 0; i < 600; ++i) {
    series.add(sample(10ms * i, Class::good, i % 7 == 0 ? 80ms : 2ms));
  }
  const auto backlog = measure_backlog(series, at(500ms), at(6s), backlog_level_ms(2), Sustain{});
  EXPECT_FALSE(backlog.began_ms.has_value());
  EXPECT_FALSE(backlog.drained_ms.has_value());
}

TEST(Backlog, ThatIsStillThereIsNotDrained) {
  const auto series = stalled_for_a_second();
  const auto backlog = measure_backlog(series, at(500ms), at(3s), 10, Sustain{});
  EXPECT_TRUE(backlog.began_ms.has_value());
  EXPECT_FALSE(backlog.drained_ms.has_value()) << "0.5 s of quick answers are not 9 windows";
}
