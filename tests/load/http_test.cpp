#include "orchestrator/load/status_classes.hpp"
#include "tests/load/story.hpp"

#include <algorithm>
#include <mutex>
#include <set>

using ::testing::Le;

namespace {

Json http_spec(std::uint16_t port, double rate, int deadline_ms = 2'000) {
  return {{"probe", "page"},
          {"kind", "http"},
          {"rate_per_s", rate},
          {"deadline_ms", deadline_ms},
          {"threshold_ms", deadline_ms},
          {"seed", 7},
          {"args", {{"host", "127.0.0.1"}, {"port", port}, {"path", "/"}}}};
}

Answer ok(std::uint64_t, const std::string&) {
  return {http_answer("200 OK")};
}

double percentile(std::vector<Seen> samples, double percent) {
  std::ranges::sort(samples, {}, &Seen::latency_ms);
  const auto rank = static_cast<std::size_t>(percent / 100 * static_cast<double>(samples.size()));
  return samples[std::min(rank, samples.size() - 1)].latency_ms;
}

}  // namespace

TEST(HttpLoad, SendsAtItsRateOverAFewKeptAliveConnections) {
  Server server(http_framing, ok);
  const auto told = run_for(1s, http_spec(server.port(), 200));
  EXPECT_EQ(told.exit_code, 0);
  EXPECT_THAT(told.samples.size(), AllOf(Ge(200u), Le(230u)));
  EXPECT_THAT(told.errors(), ElementsAre(Pair("good", told.samples.size())));
  EXPECT_LT(server.connections(), 60u);  // a busy machine may need some at once, never one each
  EXPECT_TRUE(told.seen_until_was_true);
  ASSERT_FALSE(told.seconds.empty());
  EXPECT_NEAR(told.seconds[0]["achieved_per_s"].get<double>(), 200, 20);
  EXPECT_TRUE(told.last.contains("delay_p99_ms"));
}

TEST(HttpLoad, EachRequestIsDueAtItsPlaceOnTheClockWhateverHappens) {
  Server server(http_framing, ok);
  auto told = run_for(500ms, http_spec(server.port(), 100));
  std::ranges::sort(told.samples, {}, &Seen::due_ms);
  for (std::size_t n = 0; n < told.samples.size(); ++n) {
    EXPECT_NEAR(told.samples[n].due_ms, 10.0 * static_cast<double>(n), 0.01);
  }
}

TEST(HttpLoad, AStallOfOneSecondIsFeltByEveryRequestDueDuringIt) {
  // From 0.5 s after the first request the server answers nothing for 1 s, then all at once.
  std::optional<faultline::Instant> first;
  Server server(http_framing, [&first](std::uint64_t, const std::string&) {
    const auto now = std::chrono::steady_clock::now();
    first = first.value_or(now);
    const auto since = std::chrono::floor<std::chrono::milliseconds>(now - *first);
    const bool stalled = since >= 500ms && since < 1500ms;
    return Answer{http_answer("200 OK"), stalled ? 1500ms - since : 0ms};
  });
  const auto told = run_for(2500ms, http_spec(server.port(), 200));
  int waited = 0;
  for (const auto& sample : told.samples) {
    if (sample.due_ms > 510 && sample.due_ms < 1'490) {
      ++waited;
      // Due at d, answered at 1500: it waited for the rest of the stall.
      EXPECT_NEAR(sample.latency_ms, 1'500 - sample.due_ms, 120) << "due at " << sample.due_ms;
    }
  }
  EXPECT_NEAR(waited, 196, 1);
  // 200 of 500 waited for a time spread evenly over 1 s: 1 % of all is the slowest 5 of them.
  EXPECT_NEAR(percentile(told.samples, 99), 975, 120);
  EXPECT_THAT(told.errors(), ElementsAre(Pair("good", told.samples.size())));
}

TEST(HttpLoad, WithAllConnectionsTakenARequestWaitsAndItsWaitCounts) {
  // 512 connections, 0.5 s each, allow 1,024/s; at 1,500/s a queue grows.
  Server server(http_framing, [](std::uint64_t, const std::string&) {
    return Answer{http_answer("200 OK"), 500ms};
  });
  const auto told = run_for(1200ms, http_spec(server.port(), 1'500, 5'000));
  EXPECT_EQ(server.connections(), 512u);
  EXPECT_GT(percentile(told.samples, 99), 650);
  EXPECT_LT(percentile(told.samples, 10), 600);
}

struct ErrorCase {
  std::string name;
  Answer answer;
  std::string error;
};

class HttpErrors : public ::testing::TestWithParam<ErrorCase> {};

TEST_P(HttpErrors, AreNamed) {
  Server server(http_framing, [](std::uint64_t, const std::string&) { return GetParam().answer; });
  const auto told = run_for(300ms, http_spec(server.port(), 50, 400));
  EXPECT_THAT(told.errors(), ElementsAre(Pair(GetParam().error, told.samples.size())));
  EXPECT_GE(told.samples.size(), 15u);
  EXPECT_TRUE(told.seen_until_was_true);
}

INSTANTIATE_TEST_SUITE_P(
    Load, HttpErrors,
    ::testing::Values(
        ErrorCase{"status", {http_answer("503 Busy")}, "status 503"},
        ErrorCase{"redirect_is_not_success", {http_answer("302 Found")}, "status 302"},
        ErrorCase{"explained",
                  {"HTTP/1.1 504 Late\r\nContent-Length: 42\r\n\r\n"
                   R"({"error":"payment: \"connect\" timed out"})"},
                  R"(status 504: payment: "connect" timed out)"},
        ErrorCase{"degraded", {http_answer("200 OK", "X-Degraded: 1\r\n")}, "degraded"},
        ErrorCase{"closed_without_answer", {.close = true}, "closed early"},
        ErrorCase{"closed_in_the_head", {"HTTP/1.1 200", {}, true}, "closed early"},
        ErrorCase{"closed_in_the_body",
                  {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", {}, true},
                  "closed early"},
        ErrorCase{"never", {.never = true}, "deadline"},
        ErrorCase{"garbage", {std::string(100, '\x01') + "\r\n\r\n"}, "unexpected answer"},
        ErrorCase{"announced_too_large",
                  {"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n"},
                  "answer too large"},
        ErrorCase{"head_without_end",
                  {.bytes = "HTTP/1.1 200 OK\r\nX: ", .again = std::string(9'000, 'x')},
                  "answer too large"},
        ErrorCase{"body_without_end",
                  {.bytes = "HTTP/1.1 200 OK\r\n\r\n", .again = std::string(200'000, 'x')},
                  "answer too large"},
        ErrorCase{"chunks_without_end",
                  {.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                   .again = "8000\r\n" + std::string(0x8000, 'x') + "\r\n"},
                  "answer too large"},
        ErrorCase{"closed_in_a_chunk",
                  {.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok",
                   .close = true},
                  "closed early"},
        ErrorCase{"trickled_head",
                  {.bytes = "HTTP/1.1 200 OK\r\n", .again = "X: y\r\n", .pause = 20ms},
                  "deadline"},
        ErrorCase{"trickled_body",
                  {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
                   .again = "x",
                   .pause = 20ms},
                  "deadline"},
        ErrorCase{"length_that_is_none",
                  {"HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\n"},
                  "unexpected answer"},
        ErrorCase{"another_protocol", {"+OK dovecot ready\r\n"}, "unexpected answer"},
        ErrorCase{"reset", {.reset = true}, "reset"}),
    [](const auto& bundle) { return bundle.param.name; });

TEST(StatusClasses, AreTheServicesOwnWordsWhenItHasSome) {
  faultline::load::StatusClasses classes;
  EXPECT_EQ(classes.name(503, R"({"error":"payment: busy","order":"7"})"),
            "status 503: payment: busy");
  EXPECT_EQ(classes.name(503, R"({"error":""})"), "status 503");
  EXPECT_EQ(classes.name(503, R"({"error":7})"), "status 503");
  EXPECT_EQ(classes.name(503, R"({"error":)"), "status 503");
  EXPECT_EQ(classes.name(503, R"(["error"])"), "status 503");
  EXPECT_EQ(classes.name(503, "<html>"), "status 503");
  EXPECT_EQ(classes.name(302, R"({"error":"moved"})"), "status 302");
}

TEST(StatusClasses, HoldOnlySoMuchAndOnlyWhatCanBePrinted) {
  faultline::load::StatusClasses classes;
  EXPECT_EQ(classes.name(500, R"({"error":"l\u00fcck\n\"e\""})"), R"(status 500: l?ck?"e")");
  EXPECT_EQ(classes.name(500, Json{{"error", std::string(200, 'x')}}.dump()),
            "status 500: " + std::string(80, 'x'));
  for (int i = 2; i < 32; ++i) {
    EXPECT_THAT(classes.name(500, Json{{"error", std::to_string(i)}}.dump()), HasSubstr(": "));
  }
  EXPECT_EQ(classes.name(500, R"({"error":"one more"})"), "status 500");
  EXPECT_EQ(classes.name(500, R"({"error":"2"})"), "status 500: 2");
}

TEST(HttpLoad, NobodyListeningIsAConnectionRefusedAtOnce) {
  const auto told = run_for(300ms, http_spec(free_port().port, 50));
  EXPECT_THAT(told.errors(), ElementsAre(Pair("connection refused", told.samples.size())));
  EXPECT_LT(percentile(told.samples, 50), 100);
}

TEST(HttpLoad, AConnectionThatNeverStandsIsAConnectTimeout) {
  const DeafListener deaf;
  const auto told = run_for(200ms, http_spec(deaf.at().port, 20, 300));
  EXPECT_THAT(told.errors(), ElementsAre(Pair("connect timeout", told.samples.size())));
}

TEST(HttpLoad, SlowerThanTheThresholdIsBadEvenWithAnAnswer) {
  Server server(http_framing, [](std::uint64_t number, const std::string&) {
    return Answer{http_answer("200 OK"), number % 2 == 0 ? 0ms : 300ms};
  });
  auto spec = http_spec(server.port(), 20);
  spec["threshold_ms"] = 200;
  spec["seed"] = std::numeric_limits<std::uint64_t>::max();
  const auto counts = run_for(500ms, spec).errors();
  EXPECT_NEAR(counts.at("slow"), counts.at("good"), 2);
}

TEST(HttpLoad, AConnectionClosedBetweenRequestsIsNotAnError) {
  Server server(http_framing, [](std::uint64_t, const std::string&) {
    return Answer{http_answer("200 OK"), 0ms, true};  // closes without saying so
  });
  const auto told = run_for(500ms, http_spec(server.port(), 40));
  EXPECT_THAT(told.errors(), ElementsAre(Pair("good", told.samples.size())));
  EXPECT_GE(server.connections(), told.samples.size());
}

TEST(HttpLoad, AFailedConnectionIsNotUsedAgain) {
  Server server(http_framing, [](std::uint64_t number, const std::string&) {
    return number == 3 ? Answer{.never = true} : Answer{http_answer("200 OK")};
  });
  const auto told = run_for(600ms, http_spec(server.port(), 20, 200));
  EXPECT_EQ(told.errors().at("deadline"), 1);
  EXPECT_EQ(told.errors().size(), 2u);
}

TEST(HttpLoad, FillsInTemplatesAndSendsTheHeadersAsked) {
  std::mutex mutex;
  std::vector<std::string> requests;
  {
    Server server(http_framing, [&](std::uint64_t, const std::string& request) {
      const std::lock_guard lock(mutex);
      requests.push_back(request);
      return Answer{http_answer("201 Created")};
    });
    auto spec = http_spec(server.port(), 50);
    spec["args"] = {{"host", "127.0.0.1"},
                    {"port", server.port()},
                    {"method", "POST"},
                    {"path", "/orders/{counter}?of={tenant}&key={unique}"},
                    {"body", R"({"user": "u{random:10..19}", "tenant": "{tenant}"})"},
                    {"headers", {{"Content-Type", "application/json"}}},
                    {"expect", {{"status", 201}}}};
    EXPECT_EQ(run_for(300ms, spec).errors().count("good"), 1u);
  }
  std::set<std::string> bodies, keys;
  for (std::size_t n = 0; n < requests.size(); ++n) {
    const auto& r = requests[n];
    EXPECT_THAT(r, HasSubstr("Content-Type: application/json\r\n"));
    const auto tenant = r.substr(r.find("?of=") + 4, r.find("&key=") - r.find("?of=") - 4);
    EXPECT_THAT(r, HasSubstr("\"tenant\": \"" + tenant + "\""));
    EXPECT_THAT(r, HasSubstr("\"user\": \"u1"));
    keys.insert(r.substr(r.find("&key="), r.find(" HTTP/1.1") - r.find("&key=")));
    bodies.insert(r.substr(r.find("\r\n\r\n")));
  }
  EXPECT_THAT(requests.at(0), HasSubstr("POST /orders/0?of=tenant-"));
  EXPECT_GT(bodies.size(), 3u);
  EXPECT_EQ(keys.size(), requests.size());
}

TEST(TcpLoad, ConnectsAnewEachTime) {
  Server server(http_framing, ok);
  Json spec{{"probe", "alb"},
            {"kind", "tcp"},
            {"rate_per_s", 50},
            {"deadline_ms", 500},
            {"args", {{"host", "127.0.0.1"}, {"port", server.port()}}}};
  const auto told = run_for(300ms, spec);
  EXPECT_THAT(told.errors(), ElementsAre(Pair("good", told.samples.size())));
  spec["args"]["port"] = free_port().port;
  EXPECT_THAT(run_for(200ms, spec).errors(), ElementsAre(Pair("connection refused", Ge(10))));
}
