#include "tests/load/measured.hpp"

#include <cmath>
#include <limits>
#include <optional>

/// The promise of an open loop: a service that stands still for a second is reported as one, to
/// within 1 % of what really happened, which the server writes down itself.
namespace {

constexpr double rate = 2'000;
constexpr auto length = 2'500ms;
constexpr int due_in_all = 5'000;
constexpr int stalls_at = 1'000;  // the request that the service freezes upon
constexpr auto stall = 1'000ms;

/// Answers at once, but freezes for a second in the middle; knows when it answered which request.
class FreezingServer {
 public:
  /// `cut_in_the_middle`: half-way through its pause every connection is reset.
  explicit FreezingServer(bool cut_in_the_middle)
      : cut_(cut_in_the_middle),
        server_(std::in_place, http_framing, [this](std::uint64_t, const std::string& request) {
          const auto number = std::stoi(path_of(request).substr(1));
          if (number == stalls_at) {
            freeze();
          }
          answered_[number] = std::chrono::steady_clock::now();
          return Answer{http_answer("200 OK")};
        }) {}
  [[nodiscard]] std::uint16_t port() const { return server_->port(); }

  /// What every request waited for, from when it was due, in ms; one that was cut waited for ever.
  /// `start`: when the first was. Ends the server.
  std::vector<double> truth(faultline::Instant start) {
    server_.reset();
    std::vector<double> waits;
    for (int number = 0; number < due_in_all; ++number) {
      const auto due = start + number * 1s / rate;
      const auto found = answered_.find(number);
      const bool lost = found == answered_.end() || cut_off(number);
      waits.push_back(lost
                          ? std::numeric_limits<double>::infinity()
                          : std::chrono::duration<double, std::milli>(found->second - due).count());
    }
    std::ranges::sort(waits);
    return waits;
  }

 private:
  void freeze() {
    std::this_thread::sleep_for(cut_ ? stall / 2 : stall);
    if (cut_) {
      server_->cut();
      std::this_thread::sleep_for(stall / 2);
    }
  }
  /// The request upon which it froze had been read from a connection that is gone now.
  [[nodiscard]] bool cut_off(int number) const { return cut_ && number == stalls_at; }

  bool cut_;
  std::map<int, faultline::Instant> answered_;  // of the server's thread, while there is one
  std::optional<Server> server_;
};

double at(const std::vector<double>& sorted, double percent) {
  const auto rank = std::ceil(percent / 100 * static_cast<double>(sorted.size()) - 1e-9);
  return sorted[static_cast<std::size_t>(rank) - 1];
}

struct Stall {
  std::string name;
  std::size_t connections;
  bool cut;
};
void PrintTo(const Stall& stall_case, std::ostream* out) {
  *out << stall_case.name;
}

class StallOfASecond : public ::testing::TestWithParam<Stall> {};

}  // namespace

TEST_P(StallOfASecond, IsReportedAsItWas) {
  FreezingServer server(GetParam().cut);
  const auto start = soon();
  const auto totals =
      measure(http_load(server.port(), rate,
                        {{"path", "/{counter}"}, {"connections", GetParam().connections}}),
              length, 1, {}, start);
  const auto record = totals.record();
  const auto truth = server.truth(start);
  EXPECT_EQ(record["requests"], due_in_all);
  ASSERT_GT(at(truth, 99), 900);
  EXPECT_NEAR(record["p99_ms"], at(truth, 99), 0.01 * at(truth, 99));
  EXPECT_NEAR(record["p999_ms"], at(truth, 99.9), 0.01 * at(truth, 99.9));
  EXPECT_GT(record["p90_ms"], 500);
  if (GetParam().cut) {
    EXPECT_LE(record["bad"], GetParam().connections);
    EXPECT_EQ(record["errors"], Json({{"reset", record["bad"]}}));
    EXPECT_TRUE(record["max_ms"].is_null()) << "a lost request is slower than anything";
  } else {
    EXPECT_EQ(record["bad"], 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Load, StallOfASecond,
                         ::testing::Values(Stall{"with_a_connection_for_everybody", 3'000, false},
                                           Stall{"with_the_connection_limit_reached", 16, false},
                                           Stall{"with_all_connections_cut_meanwhile", 3, true}),
                         [](const auto& bundle) { return bundle.param.name; });
