#include "targets/lab/services/sql_pool.hpp"
#include "tests/net/loopback.hpp"

#include <gtest/gtest.h>

#include <thread>

/// What a database that is cut off, gone or not there looks like to a node. Statements against a
/// real one are tested on the lab.
namespace faultline::services {
namespace {

using namespace std::chrono_literals;

const sql::Login user{"app", "lab", "shop"};

TEST(SqlPoolTest, AServerThatHangsCostsItsTimeoutAndNoMore) {
  const net::Listener server;
  SqlPool pool(server.at(), user, 4);
  const auto start = std::chrono::steady_clock::now();
  const SqlReply reply = pool.query("SELECT 1", 150ms);
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(reply.error, SqlError::refused) << reply.detail;
  EXPECT_GE(took, 150ms);
  EXPECT_LT(took, 2s);
  EXPECT_EQ(pool.figures().in_use, 0);
  EXPECT_EQ(pool.figures().idle, 0);
}

TEST(SqlPoolTest, WhereNobodyListensItSaysSoAtOnce) {
  SqlPool pool(net::free_port(), user, 4);
  const SqlReply reply = pool.query("SELECT 1", 10s);
  EXPECT_EQ(reply.error, SqlError::refused);
  EXPECT_TRUE(passes(reply.error)) << "a failover would not be waited for";
}

TEST(SqlPoolTest, WithAllConnectionsInUseACallerWaitsItsTimeAndIsCounted) {
  const net::Listener server;
  SqlPool pool(server.at(), user, 1);
  std::thread first([&] { pool.query("SELECT 1", 500ms); });
  while (pool.figures().in_use == 0) {
    std::this_thread::yield();
  }
  EXPECT_EQ(pool.query("SELECT 1", 20ms).error, SqlError::busy);
  EXPECT_EQ(pool.figures().timed_out, 1u);
  first.join();
  EXPECT_EQ(pool.figures().in_use, 0);
}

TEST(SqlErrorTest, TellsWhatAFailoverEndsAndWhatMayHaveBeenDone) {
  const auto error_of = [](int number, bool connecting) {
    return reply_of({sql::failure_of(number, "", connecting), {}, {}}).error;
  };
  EXPECT_EQ(error_of(2013, false), SqlError::closed);
  EXPECT_EQ(error_of(1053, false), SqlError::closed);
  EXPECT_EQ(error_of(1213, false), SqlError::closed);
  EXPECT_EQ(error_of(1290, false), SqlError::read_only);
  EXPECT_EQ(error_of(1146, false), SqlError::other);
  // Nothing was asked yet: a balancer without a server just closes.
  EXPECT_EQ(error_of(2013, true), SqlError::refused);
  EXPECT_EQ(error_of(1040, true), SqlError::refused);
  EXPECT_EQ(error_of(1045, true), SqlError::other) << "no failover mends a wrong password";
  EXPECT_TRUE(reply_of({}).ok());
}

}  // namespace
}  // namespace faultline::services
