#include "orchestrator/engine/stop_conditions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

/// What a stop condition sees: answers when they come, and requests whose time is up.
namespace faultline::engine {
namespace {

using namespace std::chrono_literals;

constexpr Instant begin{1000s};

/// A probe of 10 requests a second with a threshold of 2 s, and what its worker said.
struct World {
  World() { probe.started = probe.seen_until = begin; }
  /// Requests `from` to `to`, each answered so long after it was due.
  void answer(int from, int to, Duration after, slo::Class result = slo::Class::good) {
    for (int n = from; n < to; ++n) {
      probe.series.add(
          {.due = due(n), .latency = after, .service_time = after, .result = result, .error = 0});
    }
  }
  /// Nobody answers these any more; the worker has sent up to `sent`.
  void hold(int from, int sent) {
    probe.seen_until = due(from);
    probe.waiting = static_cast<std::uint64_t>(sent - from);
  }
  static Instant due(int n) { return begin + n * 100ms; }
  std::optional<WindowSeen> look(const StopCondition& condition, Instant now) const {
    return seen_in_window(condition, probe, begin, now);
  }
  static Probe checkout() {
    Probe probe;
    probe.name = "checkout";
    probe.rate_per_s = 10;
    probe.threshold = probe.deadline = 2s;
    return probe;
  }
  Probes::Measured probe{checkout()};
};

StopCondition good_below(double percent) {
  return {.sli = Sli::good, .subject = "checkout", .limit = percent, .place = {}};
}
StopCondition bad_above(double per_second) {
  return {.sli = Sli::bad, .subject = "checkout", .limit = per_second, .place = {}};
}
StopCondition p90_above(double ms) {
  return {.sli = Sli::latency, .subject = "checkout", .limit = ms, .percentile = 90, .place = {}};
}

TEST(StopCondition, SaysWhatItWaitsFor) {
  EXPECT_EQ(in_words(good_below(50)), "checkout < 50 % good over 1 s");
  EXPECT_EQ(in_words(bad_above(5)), "checkout > 5 bad/s over 1 s");
  EXPECT_EQ(in_words(p90_above(250)), "checkout p90 > 250 ms over 1 s");
}

TEST(StopCondition, CountsTheAnswersOfTheLastSecond) {
  World w;
  w.answer(0, 40, 10ms);
  w.answer(40, 43, 10ms, slo::Class::bad);
  w.answer(43, 50, 10ms);
  const auto seen = w.look(good_below(50), World::due(49) + 50ms);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->requests, 10u);
  EXPECT_DOUBLE_EQ(seen->value, 70);
  EXPECT_DOUBLE_EQ(w.look(bad_above(5), World::due(49) + 50ms)->value, 3);
  EXPECT_FALSE(is_met(good_below(50), 70));
  EXPECT_TRUE(is_met(good_below(80), 70));
  EXPECT_FALSE(is_met(bad_above(3), 3)) << "above means above";
}

TEST(StopCondition, ALateAnswerCountsWhenItComes) {
  World w;
  w.answer(0, 10, 1500ms, slo::Class::bad);
  EXPECT_FALSE(w.look(bad_above(5), begin + 1s)) << "nobody knows yet";
  EXPECT_DOUBLE_EQ(w.look(bad_above(5), begin + 2400ms)->value, 10);
}

TEST(StopCondition, AHeldRequestIsBadWhenItsTimeIsUp) {
  World w;
  w.answer(0, 50, 10ms);
  w.hold(50, 65);
  EXPECT_FALSE(w.look(good_below(50), World::due(64))) << "held for 1.4 s, which is allowed";
  w.hold(50, 76);
  const auto seen = w.look(good_below(50), World::due(75));
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->requests, 6u) << "due 2 s ago or earlier";
  EXPECT_DOUBLE_EQ(seen->value, 0);
}

TEST(StopCondition, AWorkerThatSaysNothingHoldsNothing) {
  World w;
  w.answer(0, 50, 10ms);
  w.hold(50, 52);  // its last report is 10 s old
  EXPECT_FALSE(w.look(good_below(50), World::due(150)));
}

TEST(StopCondition, WhoeverWaitsForLongerThanTheLimitIsPastIt) {
  World w;
  w.answer(0, 50, 10ms);
  w.hold(50, 56);
  const auto seen = w.look(p90_above(250), World::due(55));
  ASSERT_TRUE(seen);
  EXPECT_TRUE(std::isinf(seen->value));
  EXPECT_TRUE(is_met(p90_above(250), seen->value));
}

TEST(StopCondition, AnsweredOutOfOrderAreNotHeld) {
  World w;
  w.answer(0, 50, 10ms);
  w.answer(51, 76, 10ms);
  w.hold(50, 76);
  w.probe.waiting = 1;
  const auto seen = w.look(bad_above(5), World::due(75));
  ASSERT_TRUE(seen);
  EXPECT_DOUBLE_EQ(seen->value, 1);
}

}  // namespace
}  // namespace faultline::engine
