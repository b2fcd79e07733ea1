#include "tests/engine/run_fixture.hpp"

/// A service that fails on schedule has known figures, and the record must show them: of 50
/// requests a second, those of one whole second of the window are bad.
namespace faultline::engine {
namespace {

using testing::HasSubstr;

class KnownFailure : public RunTest {
 protected:
  /// Judges over 10 s from the fault; the third second of the ten is bad.
  const Json& judged(Expectation promise) {
    promise.subject = "login";
    promise.over = 10s;
    experiment.method = [this, promise](Stage& stage) {
      auto asked = promise;
      asked.from = stage.inject({crash}).front();
      stage.expect(asked);
      ended_ = clock.now();
    };
    target.bad = [this](const std::string& probe, Instant due) {
      const auto from = target.first_applied;
      return probe == "login" && from && due >= *from + 2s && due < *from + 3s;
    };
    target.first_applied.reset();
    run();
    return record["objectives"][1];
  }
  [[nodiscard]] Duration took() const { return ended_ - *target.first_applied; }

 private:
  Instant ended_{};
};

Expectation of(Sli sli, double threshold) {
  Expectation e;
  e.sli = sli;
  e.threshold = threshold;
  return e;
}

TEST_F(KnownFailure, IsATenthOfTheRequestsAndWhatBlocksEstablishIsLess) {
  const auto objective = judged(of(Sli::good, 90));
  EXPECT_EQ(objective["verdict"], "passed");
  EXPECT_DOUBLE_EQ(objective["measured"].get<double>(), 90);
  EXPECT_EQ(objective["samples"], 500);
  EXPECT_EQ(objective["blocks"], 2);
  EXPECT_NEAR(objective["bound_95"].get<double>(), 87.5, 0.3) << "Clopper-Pearson of 450 of 500";
  EXPECT_LT(objective["bound_95_blocks"].get<double>(), 30) << "two blocks cannot say much";
}

TEST_F(KnownFailure, IsOneOrTwoBadSeconds) {
  EXPECT_EQ(judged(of(Sli::bad_seconds, 2))["verdict"], "passed");
  const auto none = judged(of(Sli::bad_seconds, 0));
  EXPECT_EQ(none["verdict"], "failed");
  EXPECT_LT(took(), 6s) << "decided when the first bad second was known";
}

TEST_F(KnownFailure, LeavesFortyFiveGoodRequestsASecond) {
  const auto objective = judged(of(Sli::throughput, 45));
  EXPECT_EQ(objective["verdict"], "passed");
  EXPECT_DOUBLE_EQ(objective["measured"].get<double>(), 45);
  EXPECT_EQ(judged(of(Sli::throughput, 45.1))["verdict"], "failed");
}

TEST_F(KnownFailure, BurnsTheBudgetTwentyTimesTooFastOverFiveSeconds) {
  auto burn = of(Sli::burn, 99);  // 50 of 250 lost where 1 % may be
  burn.burn = {{.long_window = 5s, .short_window = 1s, .factor = 21}};
  const auto slow = judged(burn);
  EXPECT_EQ(slow["verdict"], "passed") << slow["reason"];
  EXPECT_DOUBLE_EQ(slow["measured"].get<double>(), 20);
  EXPECT_EQ(slow["objective"], 21) << "in the unit of what was measured";
  EXPECT_EQ(slow["unit"], "x");
  EXPECT_EQ(slow["slo_percent"], 99);
  EXPECT_EQ(slow["burns"][0]["alerted_ms"], nullptr);

  burn.burn.push_back({.long_window = 5s, .short_window = 1s, .factor = 19});
  const auto fast = judged(burn);
  EXPECT_EQ(fast["verdict"], "failed");
  EXPECT_EQ(fast["objective"], 19) << "the one that was exceeded";
  EXPECT_NEAR(fast["burns"][1]["alerted_ms"].get<double>(), 3'000, 1);
}

TEST_F(KnownFailure, IsSlowerThanAnyLimit) {
  auto latency = of(Sli::latency, 1'000);
  latency.percentile = 95;
  const auto objective = judged(latency);
  EXPECT_EQ(objective["verdict"], "failed");
  EXPECT_EQ(objective["measured"], nullptr);
  EXPECT_THAT(objective["reason"].get<std::string>(), HasSubstr("among the bad requests"));
  EXPECT_EQ(objective["percentile"], 95);
  EXPECT_LT(objective["bound_95"].get<double>(), 90) << "so many are within the limit at least";
  EXPECT_GT(objective["bound_95"].get<double>(), 80);
}

TEST_F(KnownFailure, WithoutARequestNothingIsDecided) {
  target.unsent = [this](const std::string& probe, Instant) {
    return probe == "login" && target.first_applied.has_value();
  };
  EXPECT_EQ(judged(of(Sli::throughput, 1))["verdict"], "inconclusive");
  EXPECT_EQ(record["verdict"], "inconclusive");
}

TEST_F(KnownFailure, AnObjectiveWithoutAProbeIsInconclusive) {
  experiment.method = [](Stage& stage) {
    stage.inject({crash});
    stage.expect(good("logn", 99, 5s));
  };
  run();
  EXPECT_EQ(record["verdict"], "inconclusive");
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("no probe that measures it"));
}

}  // namespace
}  // namespace faultline::engine
