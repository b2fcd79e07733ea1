#include "targets/lab/services/node.hpp"

#include "targets/lab/services/sentinel.hpp"
#include "targets/lab/services/worker.hpp"
#include "tests/net/loopback.hpp"
#include "tests/services/fakes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <csignal>
#include <fstream>
#include <future>
#include <sys/prctl.h>
#include <sys/wait.h>

/// A node with a real Redis and a real Sentinel behind it, on the loopback.
namespace faultline::services {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto patience = 10s;  ///< for anything that must happen; a test never waits longer

bool eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) {
      return false;
    }
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

/// redis-server in a folder of its own; ends with the test.
class RedisProcess {
 public:
  RedisProcess(const std::string& config, std::vector<std::string> more) {
    std::string folder = testing::TempDir() + "faultline-redis-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
    const auto file = (folder_ / "redis.conf").string();
    std::ofstream(file) << fmt::format("bind 127.0.0.1\nport {}\ndir {}\n{}", at.port,
                                       folder_.string(), config);
    std::vector<std::string> argv{"redis-server", file};
    argv.insert(argv.end(), more.begin(), more.end());
    std::vector<char*> raw;
    for (auto& word : argv) {
      raw.push_back(word.data());
    }
    raw.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::execv("/usr/bin/redis-server", raw.data());
      ::_exit(127);
    }
  }
  ~RedisProcess() {
    signal(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }
  RedisProcess(const RedisProcess&) = delete;
  RedisProcess& operator=(const RedisProcess&) = delete;

  void signal(int number) const { ::kill(pid_, number); }

  const Endpoint at = net::free_port();

 private:
  std::filesystem::path folder_;
  pid_t pid_ = -1;
};

/// A node with everything real but the database, the third party and its peers; `held` writes at
/// most.
struct Stack {
  explicit Stack(const Endpoint& sentinel, int held)
      : flags(flags_of(sentinel, held)),
        watch({sentinel}, "sessions", tracker, [](const Endpoint&) {}),
        hold(held, machine_time()) {
    products.cents["acme/7"] = 549;
    metrics.gauge("held_writes", [this] { return hold.figures().now; });
  }
  static Flags flags_of(const Endpoint& sentinel, int held) {
    Flags flags;
    flags.node = "a-spot";
    flags.zone = "a";
    flags.listen = net::free_port();
    flags.sentinels = {sentinel};
    flags.hold_writes = held;
    return flags;
  }

  [[nodiscard]] httplib::Client client() const {
    httplib::Client client(flags.listen.address, flags.listen.port);
    client.set_read_timeout(patience);
    return client;
  }
  [[nodiscard]] httplib::Result login(const std::string& deadline_ms = "5000") const {
    return client().Post("/login", {{"X-Deadline-Ms", deadline_ms}},
                         R"({"tenant": "acme", "user": "ann"})", "application/json");
  }
  [[nodiscard]] httplib::Result checkout(const std::string& order) const {
    const nlohmann::json body{{"tenant", "acme"}, {"product", "7"}, {"order", order}};
    return client().Post("/checkout", body.dump(), "application/json");
  }
  [[nodiscard]] std::string metrics_page() const { return client().Get("/metrics")->body; }

  const Flags flags;
  Log log{machine_time().now, [](const std::string&) {}};
  Metrics metrics;
  PrimaryTracker tracker;
  SentinelWatch watch;
  RedisStore sessions{tracker}, cache{tracker};
  WriteHold hold;
  ManualTime hands;  // for the fakes: none of them takes time
  FakeProducts products{hands};
  FakePrices prices;
  FakePay pay{hands};
  FakeOrders orders{hands};
  RetryBudget retries{10};
  Breaker breaker{Breaker::Settings{}, machine_time().now};
  Bulkhead bulkhead{24};
  GuardedPayments payments{{pay, breaker, bulkhead, metrics, machine_time().now, 1s}};
  RedisJobs jobs{sessions, "a-spot", machine_time().now, metrics};
  Auth auth{sessions, hold, random_session_id};
  Catalog catalog{products, cache, retries, machine_time().now, metrics};
  Billing billing{{prices, payments, orders, hold, jobs, metrics}};
  Worker worker{jobs, machine_time().now, metrics};
  std::atomic<bool> leaving = false;
  Node node{parts()};

  Node::Parts parts() {
    return {flags, auth, catalog, billing, hold, metrics, log, [this] { return leaving.load(); }};
  }
};

struct NodeTest : testing::Test {
  RedisProcess redis{"save \"\"\n", {}};
  RedisProcess sentinel{fmt::format("sentinel monitor sessions 127.0.0.1 {} 1\n", redis.at.port),
                        {"--sentinel"}};

  std::unique_ptr<Stack> started(int held) const {
    auto stack = std::make_unique<Stack>(sentinel.at, held);
    EXPECT_TRUE(stack->node.start());
    EXPECT_TRUE(eventually([&] { return stack->tracker.current() == redis.at; }));
    EXPECT_TRUE(eventually([&] { return stack->sessions.get("ready", 300ms).ok(); }));
    return stack;
  }
};

TEST_F(NodeTest, LogsInAndServesTheCatalogueThroughTheCache) {
  const auto stack = started(64);
  const auto login = stack->login();
  ASSERT_EQ(login->status, 200) << login->body;
  const auto id = nlohmann::json::parse(login->body).at("session").get<std::string>();
  EXPECT_EQ(stack->client().Get("/session/" + id + "?tenant=acme")->status, 200);

  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(stack->client().Get("/catalog/7?tenant=acme")->body,
              R"({"name":"7 of acme","price_cents":549})");
  }
  EXPECT_EQ(stack->client().Get("/catalog/7")->status, 400);
  EXPECT_EQ(stack->client().Get("/health")->status, 200);
  const std::string metrics = stack->metrics_page();
  EXPECT_THAT(metrics, HasSubstr(R"(requests_total{role="auth",class="good"} 2)"));
  EXPECT_THAT(metrics, HasSubstr(R"(requests_total{role="catalog",class="rejected"} 1)"));
  EXPECT_THAT(metrics, HasSubstr(R"(cache_total{result="hit"} 1)"));
}

TEST_F(NodeTest, HoldsALoginWhileRedisHangsAndServesTheCatalogueMeanwhile) {
  const auto stack = started(1);
  redis.signal(SIGSTOP);
  auto held = std::async([&] { return stack->login(); });
  ASSERT_TRUE(eventually([&] { return stack->hold.figures().now == 1; }));

  const auto rejected = stack->login();
  EXPECT_EQ(rejected->status, 503) << "the only seat is taken";
  const auto asked = std::chrono::steady_clock::now();
  EXPECT_EQ(stack->client().Get("/catalog/7?tenant=acme")->status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 1s);
  EXPECT_THAT(stack->metrics_page(), HasSubstr("held_writes 1\n"));

  redis.signal(SIGCONT);
  EXPECT_EQ(held.get()->status, 200);
  EXPECT_EQ(stack->hold.figures().saved, 1u);
  EXPECT_EQ(stack->hold.figures().rejected, 1u);
  EXPECT_THAT(stack->metrics_page(), HasSubstr(R"(cache_errors_total{class="timeout"} 1)"));
}

TEST_F(NodeTest, SellsAndTheWorkerDeliversTheWebhookOnce) {
  const auto stack = started(64);
  EXPECT_EQ(stack->checkout("o-1")->body, R"({"order":"o-1","payment":"pay-1"})");
  stack->pay.next = {CallError::none, 503, ""};
  const auto degraded = stack->checkout("o-2");
  EXPECT_EQ(degraded->status, 200);
  EXPECT_EQ(degraded->get_header_value("X-Degraded"), "payment pending");

  EXPECT_EQ(stack->worker.step(), 0s);
  EXPECT_TRUE(stack->sessions.get("webhook:o-1", 300ms).ok());
  EXPECT_FALSE(stack->sessions.get("webhook:o-2", 300ms).values.empty());
  const std::string metrics = stack->metrics_page();
  EXPECT_THAT(metrics, HasSubstr(R"(jobs_total{event="done"} 2)"));
  EXPECT_THAT(metrics, HasSubstr(R"(requests_total{role="billing",class="degraded"} 1)"));
  EXPECT_THAT(metrics, HasSubstr(R"(payment_calls_total{class="status_503"} 1)"));
}

TEST_F(NodeTest, AJobThatAWorkerTookAndLeftIsDoneByAnother) {
  const auto stack = started(64);
  RedisJobs gone{stack->sessions, "gone", machine_time().now, stack->metrics};
  ASSERT_TRUE(gone.prepare().ok());
  gone.push("o-1");
  std::vector<Job> taken;
  ASSERT_TRUE(gone.take(taken).ok());
  ASSERT_EQ(taken.size(), 1u);
  std::uint64_t pending = 0;
  EXPECT_TRUE(stack->jobs.pending(pending).ok());
  EXPECT_EQ(pending, 1u);
  // As if it had been taken long ago.
  stack->sessions.command({"XCLAIM", "jobs", "workers", "gone", "0", taken[0].id, "IDLE", "60000"},
                          300ms);
  stack->worker.step();
  EXPECT_THAT(stack->metrics_page(), HasSubstr(R"(jobs_total{event="claimed"} 1)"));
  EXPECT_FALSE(stack->sessions.get("webhook:o-1", 300ms).values.empty());
  EXPECT_TRUE(stack->jobs.pending(pending).ok());
  EXPECT_EQ(pending, 0u);
}

TEST_F(NodeTest, ANodeThatLeavesSaysSoAndServesWhatStillComes) {
  const auto stack = started(64);
  stack->leaving = true;
  EXPECT_EQ(stack->client().Get("/health")->status, 503);
  EXPECT_EQ(stack->checkout("o-1")->status, 200);
}

TEST_F(NodeTest, FailsALoginAtOnceWithoutAHold) {
  const auto stack = started(0);
  redis.signal(SIGKILL);
  ASSERT_TRUE(eventually([&] { return stack->login()->status == 503; }));
  EXPECT_EQ(stack->client().Get("/catalog/7?tenant=acme")->status, 200);
  EXPECT_EQ(stack->hold.figures().max, 0);
}

TEST_F(NodeTest, AnswersWhatItHoldsWhenItIsStopped) {
  const auto stack = started(64);
  redis.signal(SIGSTOP);
  auto held = std::async([&] { return stack->login("30000"); });
  ASSERT_TRUE(eventually([&] { return stack->hold.figures().now == 1; }));
  const auto asked = std::chrono::steady_clock::now();
  stack->node.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 3s);
  EXPECT_EQ(held.get()->status, 503);
  EXPECT_FALSE(stack->client().Get("/health")) << "a stopped node accepted a connection";
}

TEST_F(NodeTest, RefusesAnAddressThatIsTaken) {
  const auto first = started(0);
  Node second(first->parts());
  const auto result = second.start();
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr(to_string(first->flags.listen)));
}

}  // namespace
}  // namespace faultline::services
