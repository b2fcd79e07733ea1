#include "orchestrator/slo/schedule.hpp"
#include "tests/load/measured.hpp"

/// How much is sent and by whom: closed loops, stages, Poisson, several workers; by the second.
namespace {

Answer ok(std::uint64_t, const std::string&) {
  return {http_answer("200 OK")};
}

Answer ok_after_50_ms(std::uint64_t, const std::string&) {
  return {http_answer("200 OK"), 50ms};
}

Json closed_loop(std::uint16_t port, int users, int think_ms) {
  auto spec = http_load(port, 0);
  spec.erase("rate_per_s");
  spec["users"] = users;
  spec["think_ms"] = think_ms;
  return spec;
}

}  // namespace

TEST(ClosedLoop, HasAsManyRequestsAsUsersAndWaitsForTheirAnswers) {
  Server server(http_framing, ok_after_50_ms);
  const auto told = run_for(1s, closed_loop(server.port(), 4, 0));
  EXPECT_EQ(server.connections(), 4u);
  EXPECT_LE(told.samples.size(), 4u * 21);
  EXPECT_GE(told.samples.size(), 4u * 15);  // 20 rounds on a quiet machine
  EXPECT_THAT(told.errors(), ElementsAre(Pair("good", told.samples.size())));
}

TEST(ClosedLoop, OfACrowdIsReadInBatchesWithoutThatShowingInTheLatency) {
  Server server(http_framing, ok_after_50_ms);
  const auto told = run_for(500ms, closed_loop(server.port(), 64, 0));
  EXPECT_EQ(server.connections(), 64u);
  EXPECT_GE(told.samples.size(), 64u * 6);   // 10 rounds on a quiet machine
  EXPECT_LE(told.samples.size(), 64u * 14);  // it is told to finish a little later
  for (const auto& sample : told.samples) {
    EXPECT_GE(sample.service_ms, 49);
    EXPECT_LE(sample.service_ms, sample.latency_ms);
  }
}

TEST(ClosedLoop, UsersThinkBetweenAnswerAndRequest) {
  Server server(http_framing, ok_after_50_ms);
  const auto told = run_for(1s, closed_loop(server.port(), 4, 150));
  EXPECT_LE(told.samples.size(), 4u * 6);
  EXPECT_GE(told.samples.size(), 4u * 4);
  for (const auto& sample : told.samples) {
    EXPECT_GE(sample.latency_ms, 49);  // thinking is no latency
    EXPECT_LT(sample.latency_ms, 149);
  }
}

TEST(ClosedLoop, IsOnlyForHttpAndHasNoRate) {
  auto spec = closed_loop(80, 4, 0);
  spec["rate_per_s"] = 10;
  EXPECT_THAT(LoadRun(spec.dump()).for_time(0ms).error, HasSubstr("a closed loop, which has no"));
  spec.erase("rate_per_s");
  spec["kind"] = "tcp";
  EXPECT_THAT(LoadRun(spec.dump()).for_time(0ms).error, HasSubstr("a closed loop, is for http"));
}

TEST(Stages, StepAndRampToTheirTotal) {
  Server server(http_framing, ok);
  auto spec = http_load(server.port(), 0);
  spec.erase("rate_per_s");
  spec["stages"] = {{{"rate_per_s", 100}, {"length_ms", 500}},
                    {{"rate_per_s", 500}, {"length_ms", 500}, {"ramp", true}},
                    {{"rate_per_s", 0}, {"length_ms", 200}},
                    {{"rate_per_s", 1'000}, {"length_ms", 100}}};
  const auto totals = measure(spec, 1'300ms);
  EXPECT_EQ(totals.begun(), 300u);  // 50 + (100 + 500) / 2 * 0.5 + 0 + 100
  EXPECT_EQ(totals.all().good, 300u);
}

TEST(Poisson, SendsExactlyWhatItsScheduleHolds) {
  Server server(http_framing, ok);
  auto spec = http_load(server.port(), 500);
  spec["spacing"] = "poisson";
  std::uint64_t due = 0;
  for (std::uint64_t index = 0; index < 2; ++index) {
    faultline::slo::Schedule schedule(faultline::slo::Rate(500), faultline::slo::Spacing::poisson,
                                      spec["seed"], index, 2);
    while (schedule.next() < 1s) {
      ++due;
    }
  }
  const auto totals = measure(spec, 1s, 2);
  EXPECT_EQ(totals.begun(), due);
  EXPECT_NEAR(due, 500, 4 * 22.4);
}

TEST(Workers, ThatShareALoadSendItOnceAndAreOneMeasurement) {
  std::map<std::int64_t, std::uint64_t> seconds;
  Server server(http_framing, ok);
  const auto totals = measure(
      http_load(server.port(), 401), 2s, 4,
      [&](std::int64_t number, const Tally& second) { seconds[number] = second.requests(); });
  EXPECT_EQ(totals.begun(), 802u);
  EXPECT_EQ(totals.all().good, 802u);
  EXPECT_EQ(totals.all().latency.count(), 802u);
  EXPECT_THAT(seconds, ElementsAre(Pair(0, 401), Pair(1, 401)));
}

TEST(Workers, ThatComeLateToTheStartAreLateWithWhatWasDueAndLeaveNothingOut) {
  Server server(http_framing, ok);
  const auto totals = measure(http_load(server.port(), 100), 500ms, 1, {},
                              std::chrono::steady_clock::now() - 300ms);
  EXPECT_EQ(totals.begun(), 50u);
  EXPECT_GE(totals.delay_p99_ms(), 290);
}

TEST(BySecond, ARequestBelongsToTheSecondInWhichItWasDue) {
  // Every answer of the first second comes in the second one, and is an error.
  std::map<std::int64_t, Tally> seconds;
  Server server(http_framing, [](std::uint64_t number, const std::string&) {
    return number < 100 ? Answer{http_answer("500 Broken"), 1'010ms}
                        : Answer{http_answer("200 OK")};
  });
  const auto totals =
      measure(http_load(server.port(), 100), 2s, 1,
              [&](std::int64_t number, const Tally& second) { seconds.emplace(number, second); });
  ASSERT_EQ(seconds.size(), 2u);
  EXPECT_EQ(seconds[0].errors, (std::map<std::string, std::uint64_t>{{"status 500", 100}}));
  EXPECT_EQ(seconds[1].good, 100u);
  const auto series = totals.record()["series"];
  EXPECT_TRUE(series[0]["p50_ms"].is_null()) << "no percentile among the bad ones";
  EXPECT_LT(series[1]["p50_ms"], 50);
}

TEST(BySecond, CountsTheQueueInTheLatencyAndNotInTheServiceTime) {
  Server server(http_framing, ok_after_50_ms);
  // One connection serves 20/s of the 40/s that are due: the queue grows to half a second.
  const auto totals = measure(http_load(server.port(), 40, {{"connections", 1}}), 1s);
  const auto record = totals.record();
  EXPECT_EQ(server.connections(), 1u);
  EXPECT_EQ(record["good"], 40);
  EXPECT_GT(record["p99_ms"], 900);
  EXPECT_LT(record["uncorrected"]["p99_ms"], 500);
  EXPECT_GE(record["uncorrected"]["p50_ms"], 49);
}
