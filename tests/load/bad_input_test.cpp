#include "orchestrator/load/http_answer.hpp"
#include "tests/load/measured.hpp"

#include <atomic>
#include <ctime>
#include <sys/syscall.h>

/// A world that misbehaves in ways that are no answers; those are in http_test.cpp.
namespace {

/// Added to the wall clock, as somebody who sets it does.
std::atomic<std::int64_t> wall_clock_step_s = 0;

class SetClock {
 public:
  explicit SetClock(std::chrono::hours step) {
    wall_clock_step_s = std::chrono::seconds(step).count();
  }
  ~SetClock() { wall_clock_step_s = 0; }
  SetClock(const SetClock&) = delete;
  SetClock& operator=(const SetClock&) = delete;
};

}  // namespace

/// In the place of the C library's, for this program alone.
extern "C" int clock_gettime(clockid_t clock, timespec* out) noexcept {
  const auto result = static_cast<int>(::syscall(SYS_clock_gettime, clock, out));
  if (clock == CLOCK_REALTIME) {
    out->tv_sec += wall_clock_step_s;
  }
  return result;
}

TEST(BadInput, AWallClockThatIsSetDuringTheLoadChangesNothing) {
  Server server(http_framing, [](auto, const auto&) { return Answer{http_answer("200 OK")}; });
  const auto before = std::chrono::system_clock::now();
  std::optional<SetClock> set;
  auto told = run_for(600ms, http_load(server.port(), 100),
                      {{200ms, [&] { set.emplace(-2h); }}, {400ms, [&] { set.emplace(+3h); }}});
  EXPECT_GT(std::chrono::system_clock::now() - before, 1h) << "the test did set the clock";
  EXPECT_THAT(told.errors(), ElementsAre(Pair("good", told.samples.size())));
  EXPECT_NEAR(static_cast<double>(told.samples.size()), 60, 15);
  std::ranges::sort(told.samples, {}, &Seen::due_ms);
  for (std::size_t n = 0; n < told.samples.size(); ++n) {
    EXPECT_NEAR(told.samples[n].due_ms, 10.0 * static_cast<double>(n), 0.01);
    EXPECT_LT(told.samples[n].latency_ms, 1'000);
    EXPECT_GE(told.samples[n].latency_ms, 0);
  }
}

TEST(BadInput, AConnectionThatIsResetOnceAcceptedIsNamed) {
  std::atomic<bool> over = false;
  const faultline::net::Listener listener;
  std::thread resets([&] {
    while (!over) {
      if (const auto socket = listener.accept()) {
        const linger at_once{1, 0};
        ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      }
    }
  });
  const auto told = run_for(300ms, http_load(listener.at().port, 50));
  over = true;
  run_for(10ms, http_load(listener.at().port, 1));  // wakes it up
  resets.join();
  EXPECT_THAT(told.errors(), ElementsAre(Pair("reset", told.samples.size())));
}

namespace {

/// One connection after the other: greets, reads something, answers, and closes some time later.
class Scripted {
 public:
  struct Story {
    std::string greeting, answer;
    std::chrono::milliseconds open{};  ///< after the answer
  };
  explicit Scripted(Story story) : story_(std::move(story)) {
    thread_ = std::thread([this] {
      while (!over_) {
        if (const auto socket = listener_.accept()) {
          play(socket.get());
        }
      }
    });
  }
  ~Scripted() {
    over_ = true;
    run_for(10ms, http_load(port(), 1));  // wakes it up
    thread_.join();
  }
  [[nodiscard]] std::uint16_t port() const { return listener_.at().port; }

 private:
  void play(int socket) const {
    std::array<char, 4096> request{};
    ::send(socket, story_.greeting.data(), story_.greeting.size(), MSG_NOSIGNAL);
    if (::recv(socket, request.data(), request.size(), 0) > 0) {
      ::send(socket, story_.answer.data(), story_.answer.size(), MSG_NOSIGNAL);
      std::this_thread::sleep_for(story_.open);
    }
  }

  Story story_;
  const faultline::net::Listener listener_;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

}  // namespace

TEST(BadInput, AnAnswerThatEndsWithItsConnectionIsNotThereBeforeThat) {
  const Scripted server(
      {.greeting = {}, .answer = "HTTP/1.1 200 OK\r\n\r\nall of it", .open = 100ms});
  const auto told = run_for(600ms, http_load(server.port(), 5, {{"connections", 1}}));
  EXPECT_THAT(told.errors(), ElementsAre(Pair("good", told.samples.size())));
  for (const auto& sample : told.samples) {
    EXPECT_GE(sample.latency_ms, 99);
  }
}

TEST(BadInput, AServerThatSpeaksFirstIsHeardAtOnce) {
  const Scripted server({.greeting = "220 mail.test ready\r\n", .answer = {}, .open = {}});
  const auto told = run_for(300ms, http_load(server.port(), 20));
  EXPECT_THAT(told.errors(), ElementsAre(Pair("unexpected answer", told.samples.size())));
}

TEST(BadInput, AChunkWhoseFirstLineNeverEndsIsTooLarge) {
  Server server(http_framing, [](auto, const auto&) {
    return Answer{.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;",
                  .again = std::string(4'000, 'x'),
                  .pause = 1ms};
  });
  const auto told = run_for(200ms, http_load(server.port(), 20));
  EXPECT_THAT(told.errors(), ElementsAre(Pair("answer too large", told.samples.size())));
}

TEST(BadInput, RequestsThatWaitForOneOfTheConnectionsForTooLongSaySo) {
  Server server(http_framing, [](auto, const auto&) { return Answer{.never = true}; });
  auto spec = http_load(server.port(), 100, {{"connections", 1}});
  spec["deadline_ms"] = 100;
  const auto totals = measure(spec, 500ms);
  const auto& errors = totals.all().errors;
  // Only the first waited longer for the answer than for the connection.
  EXPECT_THAT(errors, ElementsAre(Pair("connection limit", Ge(40u)), Pair("deadline", Ge(1u))));
}

TEST(BadInput, WhatNoConnectionStandsForIsNotCountedAsSent) {
  const DeafListener deaf;
  auto spec = http_load(deaf.at().port, 100);
  spec["deadline_ms"] = 100;
  for (const auto& totals :
       {measure(spec, 300ms), measure(http_load(free_port().port, 100), 300ms)}) {
    EXPECT_EQ(totals.begun(), 30u);
    EXPECT_EQ(totals.all().bad, 30u);
    EXPECT_EQ(totals.all().sent(), 0u);
  }
}

TEST(BadInput, TenGigabytesAreCountedAndNotKept) {
  constexpr std::uint64_t ten_gigabytes = 10'000'000'000;
  constexpr std::size_t kept = 4'096;
  HttpAnswer answer(false, 200, kept, std::numeric_limits<std::uint64_t>::max());
  HttpAnswer::Error error;
  std::string_view head = "HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n";
  EXPECT_FALSE(answer.take(head, error));
  const std::string block(1u << 20, 'x');
  for (std::uint64_t sent = 0; sent < ten_gigabytes; sent += block.size()) {
    auto bytes = std::string_view(block).substr(0, ten_gigabytes - sent);
    answer.take(bytes, error);
    ASSERT_FALSE(error) << error.message();
  }
  EXPECT_TRUE(answer.is_done());
  EXPECT_EQ(answer.body_bytes(), ten_gigabytes);
  EXPECT_EQ(answer.body().size(), kept);
}

TEST(BadInput, ABodyThatMayBeLongEndsAtItsDeadline) {
  Server server(http_framing, [](auto, const auto&) {
    return Answer{
        .bytes = "HTTP/1.1 200 OK\r\n\r\n", .again = std::string(10'000, 'x'), .pause = 1ms};
  });
  auto spec = http_load(server.port(), 20, {{"expect", {{"max_bytes", 1u << 30}}}});
  spec["deadline_ms"] = 200;
  const auto told = run_for(200ms, spec);
  EXPECT_THAT(told.errors(), ElementsAre(Pair("deadline", told.samples.size())));
  for (const auto& sample : told.samples) {
    EXPECT_NEAR(sample.latency_ms, 250, 50);
  }
}

TEST(BadInput, ALoadInWhichNothingIsDueHasNoSampleAndNoFigure) {
  auto spec = http_load(free_port().port, 0);
  spec.erase("rate_per_s");
  spec["stages"] = {{{"rate_per_s", 0}, {"length_ms", 100}}};
  const auto totals = measure(spec, 100ms);
  EXPECT_EQ(totals.begun(), 0u);
  EXPECT_EQ(totals.record()["requests"], 0);
  EXPECT_TRUE(totals.record()["p99_ms"].is_null());
  EXPECT_EQ(totals.delay_p99_ms(), 0);
}

TEST(BadInput, AServiceWithAWordOfItsOwnForEveryErrorDoesNotFillTheRecord) {
  Server server(http_framing, [](std::uint64_t number, const std::string&) {
    const auto body = R"({"error":"number )" + std::to_string(number) + "\"}";
    return Answer{"HTTP/1.1 500 Broken\r\nContent-Length: " + std::to_string(body.size()) +
                  "\r\n\r\n" + body};
  });
  const auto totals = measure(http_load(server.port(), 500), 400ms);
  EXPECT_LE(totals.all().errors.size(), 33u);
  EXPECT_EQ(totals.all().bad, 200u);
}
