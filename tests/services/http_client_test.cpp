#include "targets/lab/services/http_client.hpp"

#include "targets/lab/services/pay.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <future>

/// Blocking calls of a node to an event-driven part, on the loopback.
namespace faultline::services {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

Instant soon(Duration d) {
  return Instant(std::chrono::steady_clock::now()) + d;
}

struct HttpClientTest : testing::Test {
  boost::asio::io_context io{1};
  Pay pay{[] { return 0.0; }};
  std::unique_ptr<EventHttp> server = *EventHttp::open(
      io, {"127.0.0.1", 0}, [this](const HttpRequest& request) { return pay.handle(request); });
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  std::thread loop{[this] { io.run(); }};
  RetryBudget retries{10};
  HttpClient kept{{"127.0.0.1", server->port()}, &retries};
  HttpClient plain{{"127.0.0.1", server->port()}, nullptr};

  ~HttpClientTest() override {
    io.stop();
    loop.join();
  }
  /// On the server's thread, as its control socket does.
  void control(const Json& request) {
    std::promise<void> done;
    boost::asio::post(io, [&] {
      pay.control(request);
      server->reconsider();
      done.set_value();
    });
    done.get_future().get();
  }
  static CallReply charge(HttpClient& client, const std::string& order, Duration limit = 10s) {
    return client.call({"POST", "/charge", {}, Json{{"order", order}, {"amount_cents", 5}}.dump()},
                       {soon(limit), soon(limit)});
  }
};

TEST_F(HttpClientTest, AKeptConnectionServesManyCallsAPlainOneServesOne) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(charge(kept, "o-1").body, R"({"payment":"pay-1"})");
    EXPECT_EQ(charge(plain, "o-1").status, 200);
  }
  EXPECT_EQ(kept.figures().opened, 1u);
  EXPECT_EQ(kept.figures().idle, 1);
  EXPECT_EQ(plain.figures().opened, 3u);
  EXPECT_EQ(plain.figures().idle, 0);
}

TEST_F(HttpClientTest, TheLimitIsForTheWholeAnswerSoThatASlowBodyIsNoWayAround) {
  control({{"add", "f1"}, {"mode", "slow_body"}, {"delay_ms", 60'000}});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(charge(kept, "o-1", 200ms).error, CallError::timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  EXPECT_EQ(kept.figures().idle, 0) << "a connection with half an answer in it was kept";
}

TEST_F(HttpClientTest, AResetIsAClosedConnection) {
  control({{"add", "f1"}, {"mode", "reset"}});
  EXPECT_EQ(charge(plain, "o-1").error, CallError::closed);
}

TEST_F(HttpClientTest, ALayerThatIsRemovedLetsGoOfACallThatWaits) {
  control({{"add", "f1"}, {"mode", "latency"}, {"delay_ms", 60'000}});
  auto waiting = std::async([&] { return charge(plain, "o-1", 30s); });
  // Health is answered while charges wait, and its metrics count the charge that arrived.
  while (plain.call({"GET", "/metrics"}, {}).body.find("charges_total 1") == std::string::npos) {
    std::this_thread::yield();
  }
  EXPECT_EQ(plain.call({"GET", "/health"}, {}).status, 200);
  control({{"remove", "f1"}});
  EXPECT_EQ(waiting.get().status, 200);
}

TEST_F(HttpClientTest, ACallOnAKeptConnectionThatWasCutIsMadeAgainOnANewOne) {
  EXPECT_EQ(charge(kept, "o-1").status, 200);
  control({{"add", "f1"}, {"mode", "reset"}});
  EXPECT_EQ(charge(kept, "o-2").error, CallError::closed);
  EXPECT_EQ(retries.figures().taken, 1u);
  EXPECT_EQ(kept.figures().opened, 2u);
}

/// Sockets in TIME_WAIT on this port of the loopback, as /proc/net/tcp has them (state 06).
int remembered_at(std::uint16_t port) {
  std::ifstream table("/proc/net/tcp");
  const std::string local = fmt::format("0100007F:{:04X} ", port);
  int found = 0;
  for (std::string line; std::getline(table, line);) {
    const auto at = line.find(local);
    found += at != std::string::npos && at < 10 && line.substr(at + 28, 2) == "06" ? 1 : 0;
  }
  return found;
}

TEST_F(HttpClientTest, WhoCallsClosesFirstSoThatTheThirdPartyRemembersNoPortsOfTheNat) {
  const int before = remembered_at(server->port());  // by whoever had this port last
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(charge(plain, "o-1").status, 200);
  }
  EXPECT_LE(remembered_at(server->port()), before);
}

TEST_F(HttpClientTest, WhereNobodyListensItSaysSoAtOnce) {
  HttpClient nobody{{"127.0.0.1", 1}, nullptr};
  EXPECT_EQ(nobody.call({"GET", "/"}, {}).error, CallError::refused);
}

}  // namespace
}  // namespace faultline::services
