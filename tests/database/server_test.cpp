#include "targets/http/server.hpp"

#include "targets/lab/database/child.hpp"
#include "targets/lab/database/copy.hpp"
#include "targets/lab/database/examine.hpp"
#include "targets/lab/database/operations.hpp"
#include "targets/lab/database/server_options.hpp"
#include "targets/lab/database/template.hpp"
#include "tests/net/loopback.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <sys/wait.h>
#include <thread>

/// One real server on loopback, from the template to a role: some 2 s.
namespace faultline::database {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr Duration limit = 5s;  ///< of a statement that takes 1 ms on an idle machine

/// The agent of a machine whose server runs since a minute.
struct FakeAgent {
  FakeAgent() {
    server.get("/state", [](const auto&) {
      return http::Answer{200, R"({"running":true,"up_ms":60000,"server_id":7})"};
    });
    server.post("/kill", [this](const auto&) {
      ++kills;
      return http::Answer{200, "{}"};
    });
    server.post("/start", [](const auto&) { return http::Answer{200, "{}"}; });
    EXPECT_TRUE(server.start(at));
  }
  net::Endpoint at = net::free_port();
  std::atomic<int> kills = 0;
  http::Server server{http::Size{}};
};

struct ServerTest : testing::Test {
  fs::path top = fs::temp_directory_path() / ("faultline-db-" + std::to_string(::getpid()));
  Server server{top / "node", net::free_port(), 7, true};
  NodeAccess access{server.listen, server.listen, false};
  Child child;

  void SetUp() override {
    const auto built = build_template(top / "template");
    ASSERT_TRUE(built) << built.error().message;
    EXPECT_TRUE(*built);
    EXPECT_FALSE(build_template(top / "template").value()) << "it is there now";
    fs::create_directories(server.folder);
    ASSERT_TRUE(copy_tree(top / "template", server.folder / "data"));
    auto started = Child::start(server_arguments(server));
    ASSERT_TRUE(started) << started.error().message;
    child = std::move(*started);
  }
  void TearDown() override {
    child.kill();
    fs::remove_all(top);
  }

  Session session() {
    const auto give_up = std::chrono::steady_clock::now() + 30s;
    while (true) {
      auto connected = Session::connect(server.listen, limit);
      if (connected || std::chrono::steady_clock::now() > give_up) {
        return std::move(connected).value();
      }
      std::this_thread::sleep_for(10ms);  // it is starting
    }
  }
  Outcome carry(Act act, const std::string& source = "", Position position = {}) {
    return carry_out(access, {1, act, "a-db", source, std::move(position)});
  }
};

TEST_F(ServerTest, StartsFromTheTemplateReadOnlyAndTakesEveryRole) {
  auto sql = session();
  const auto count = sql.query(
      "SELECT COUNT(*) AS n, MAX(price_cents) AS most, "
      "MIN(name) AS one FROM shop.products",
      limit);
  ASSERT_TRUE(count) << count.error().message;
  EXPECT_EQ(count->at(0).at("n"), "4000");
  EXPECT_EQ(count->at(0).at("most"), "10199");
  EXPECT_EQ(count->at(0).at("one"), "tenant-1 product 1");

  auto seen = examine(sql, limit).value();
  EXPECT_TRUE(seen.view.read_only);
  EXPECT_EQ(seen.view.position.number, 0u);
  EXPECT_EQ(seen.view.replication->from, "");

  const FakeAgent agent;
  access.agent = agent.at;
  EXPECT_TRUE(carry(Act::revive).done);
  EXPECT_EQ(agent.kills, 0) << "it was only out of reach, and is well";

  EXPECT_TRUE(carry(Act::hold).done);
  const auto promoted = carry(Act::promote);
  ASSERT_TRUE(promoted.done) << promoted.words;
  EXPECT_FALSE(examine(sql, limit)->view.read_only);
  ASSERT_TRUE(sql.query("INSERT INTO faultline.writes VALUES('w', 1, 'x')", limit));
  const auto demoted = carry(Act::demote);
  ASSERT_TRUE(demoted.done) << demoted.words;
  EXPECT_EQ(demoted.position.gtid, "0-7-1");

  const net::Listener silent;
  const auto followed = carry(Act::follow, net::to_string(silent.at()));
  ASSERT_TRUE(followed.done) << followed.words;
  seen = examine(sql, limit).value();
  EXPECT_EQ(seen.view.replication->from, net::to_string(silent.at()));
  EXPECT_EQ(seen.view.replication->link, Replication::Link::connecting);
  EXPECT_EQ(seen.view.position.number, 1u) << "it goes on from its own last event";
}

TEST(Revive, KillsAServerThatDoesNotAnswer) {
  const net::Listener stopped;
  const FakeAgent agent;
  const auto revived = carry_out({stopped.at(), agent.at, false}, {1, Act::revive, "a-db", "", {}});
  EXPECT_TRUE(revived.done) << revived.words;
  EXPECT_EQ(agent.kills, 1);
}

TEST(Session, GivesUpInTimeWhoeverItTalksTo) {
  const net::Listener silent;
  const auto began = std::chrono::steady_clock::now();
  const auto hung = Session::connect(silent.at(), 150ms);
  ASSERT_FALSE(hung);
  EXPECT_EQ(hung.error().kind, ErrorKind::timeout) << hung.error().message;
  EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
  EXPECT_EQ(Session::connect(net::free_port(), limit).error().kind, ErrorKind::io) << "refused";
}

TEST(Child, IsKilledWhenItIsDroppedAndTellsHowItEnded) {
  int pid = 0;
  {
    auto sleeping = Child::start({"/bin/sleep", "60"}).value();
    pid = sleeping.pid();
    EXPECT_TRUE(sleeping.running());
    EXPECT_EQ(sleeping.wait(1ms), -1) << "it runs on";
  }
  EXPECT_NE(::kill(pid, 0), 0);
  EXPECT_EQ(Child::start({"/bin/false"}).value().wait(30s), 1);
  EXPECT_EQ(Child::start({"/no/such/program"}).value().wait(30s), 127);
}

/// Kills it behind its keeper's back, and returns when it has ended.
void kill_by_hand(int pid) {
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  siginfo_t end{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &end, WEXITED | WNOWAIT), 0);
}

TEST(KeptChild, TellsAnEndThatNobodyAskedFor) {
  KeptChild server;
  EXPECT_FALSE(server.lost()) << "it was never started";
  ASSERT_TRUE(server.start({"/bin/sleep", "60"}));
  EXPECT_TRUE(server.running());
  EXPECT_FALSE(server.lost());
  const int first = server.pid();
  kill_by_hand(first);
  ASSERT_TRUE(server.lost());
  EXPECT_EQ(server.lost()->pid, first);
  EXPECT_EQ(server.lost()->how, "killed by signal 9");

  ASSERT_TRUE(server.start({"/bin/sleep", "60"}));
  EXPECT_EQ(server.lost()->pid, first) << "it stays known when the server runs again";
  const int second = server.pid();
  kill_by_hand(second);
  EXPECT_FALSE(server.running());
  EXPECT_EQ(server.lost()->pid, second);
}

TEST(KeptChild, TakesAnEndThatWasAskedForAsNoLoss) {
  KeptChild server;
  ASSERT_TRUE(server.start({"/bin/sleep", "60"}));
  server.kill();
  EXPECT_FALSE(server.running());
  EXPECT_FALSE(server.lost());
}

TEST(KeptChild, TellsAnEndThatCameBeforeItWasAskedFor) {
  KeptChild server;
  ASSERT_TRUE(server.start({"/bin/sleep", "60"}));
  const int pid = server.pid();
  kill_by_hand(pid);
  server.kill();  // the manager's, who found it silent
  ASSERT_TRUE(server.lost());
  EXPECT_EQ(server.lost()->pid, pid);
}

TEST(KeptChild, TellsAProgramThatGaveUp) {
  KeptChild server;
  ASSERT_TRUE(server.start({"/bin/false"}));
  siginfo_t end{};
  ::waitid(P_PID, static_cast<id_t>(server.pid()), &end, WEXITED | WNOWAIT);
  EXPECT_EQ(server.lost().value_or(Loss{}).how, "exited with code 1");
}

}  // namespace
}  // namespace faultline::database
