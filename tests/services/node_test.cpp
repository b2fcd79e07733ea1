#include "targets/lab/services/node.hpp"

#include "targets/lab/services/sentinel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include <arpa/inet.h>
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

std::uint16_t free_port() {
  const int s = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(s, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(s, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(s);
  return ntohs(address.sin_port);
}

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

  const Endpoint at{"127.0.0.1", free_port()};

 private:
  std::filesystem::path folder_;
  pid_t pid_ = -1;
};

/// Everything that main.cpp puts together, with `held` writes at most.
struct Stack {
  explicit Stack(const Endpoint& sentinel, int held)
      : flags{"a-spot", "a", {"127.0.0.1", free_port()}, {sentinel}, "sessions", held, 5s, ""},
        watch({sentinel}, "sessions", tracker, [](const Endpoint&) {}),
        hold(held, machine_time()) {}

  [[nodiscard]] httplib::Client client() const {
    httplib::Client client(flags.listen.address, flags.listen.port);
    client.set_read_timeout(patience);
    return client;
  }
  [[nodiscard]] httplib::Result login(const std::string& deadline_ms = "5000") const {
    return client().Post("/login", {{"X-Deadline-Ms", deadline_ms}},
                         R"({"tenant": "acme", "user": "ann"})", "application/json");
  }
  [[nodiscard]] std::string metrics_page() const { return client().Get("/metrics")->body; }

  const Flags flags;
  Log log{machine_time().now, [](const std::string&) {}};
  Metrics metrics;
  PrimaryTracker tracker;
  SentinelWatch watch;
  RedisStore sessions{tracker}, cache{tracker};
  WriteHold hold;
  Auth auth{sessions, hold, random_session_id};
  Catalog catalog{{{"acme", {{"7", R"({"name":"anvil"})"}}}}, cache, machine_time(), metrics};
  Node node{{flags, auth, catalog, hold, tracker, metrics, log}};
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
    EXPECT_EQ(stack->client().Get("/catalog/7?tenant=acme")->body, R"({"name":"anvil"})");
  }
  EXPECT_EQ(stack->client().Get("/catalog/7")->status, 400);
  EXPECT_EQ(stack->client().Get("/health")->status, 200);
  const std::string metrics = stack->metrics_page();
  EXPECT_THAT(metrics, HasSubstr(R"(requests_total{role="auth",class="good"} 2)"));
  EXPECT_THAT(metrics, HasSubstr(R"(requests_total{role="catalog",class="rejected"} 1)"));
  EXPECT_THAT(metrics, HasSubstr(R"(cache_total{result="hit"} 1)"));
  EXPECT_THAT(metrics, HasSubstr(to_string(redis.at)));
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
  const std::string metrics = stack->metrics_page();
  EXPECT_THAT(metrics, HasSubstr("held_writes_saved_total 1\n"));
  EXPECT_THAT(metrics, HasSubstr("held_writes_rejected_total 1\n"));
  EXPECT_THAT(metrics, HasSubstr(R"(cache_errors_total{class="timeout"} 1)"));
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
  Node second({first->flags, first->auth, first->catalog, first->hold, first->tracker,
               first->metrics, first->log});
  const auto result = second.start();
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr(to_string(first->flags.listen)));
}

}  // namespace
}  // namespace faultline::services
