#include "targets/sql/connection.hpp"

#include "targets/sql/async_connection.hpp"
#include "tests/net/loopback.hpp"

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <thread>

/// What a server that is cut off, gone or not there looks like, to a thread and to an event loop.
/// Statements to a real one are in tests/database and tests/load.
namespace faultline::sql {
namespace {

using namespace std::chrono_literals;
using Kind = Failure::Kind;

const Login user{"app", "lab", "shop"};

Instant soon(Duration d) {
  return Instant(std::chrono::steady_clock::now()) + d;
}

auto open_files() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

/// What comes of connecting on a loop of its own.
Failure connect_on_a_loop(const net::Endpoint& to, Duration limit) {
  boost::asio::io_context io;
  const auto connection = std::make_shared<AsyncConnection>(io);
  std::optional<Failure> said;
  connection->connect(to, user, soon(limit), [&](const Answer& answer) { said = answer.failure; });
  EXPECT_FALSE(said) << "not from inside the call";
  io.run();
  EXPECT_FALSE(connection->stands());
  return said.value();
}

TEST(Connection, ToAServerThatHangsCostsItsTimeAndNoMore) {
  const net::Listener server;
  const auto start = std::chrono::steady_clock::now();
  Connection hung(server.at(), user, soon(150ms));
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, 150ms);
  EXPECT_LT(took, 2s);
  EXPECT_FALSE(hung.stands());
  EXPECT_EQ(hung.failure().kind, Kind::late);
  EXPECT_TRUE(hung.failure().connecting);
  EXPECT_EQ(hung.query("SELECT 1", soon(10s)).failure.kind, Kind::late) << "nothing is asked";

  const auto failure = connect_on_a_loop(server.at(), 50ms);
  EXPECT_EQ(failure.kind, Kind::late);
  EXPECT_TRUE(failure.connecting);
}

TEST(Connection, WhereNobodyListensSaysSoAtOnce) {
  const Connection nobody(net::free_port(), user, soon(10s));
  EXPECT_EQ(nobody.failure().kind, Kind::lost);
  EXPECT_EQ(nobody.failure().system_error, ECONNREFUSED) << nobody.failure().message;
  EXPECT_EQ(connect_on_a_loop(net::free_port(), 10s).system_error, ECONNREFUSED);
}

TEST(Connection, ThatIsClosedBeforeAWordIsLost) {
  const net::Listener server;
  std::thread proxy([&] { server.accept().reset(); });  // a balancer without a server just closes
  const Connection closed(server.at(), user, soon(10s));
  proxy.join();
  EXPECT_EQ(closed.failure().kind, Kind::lost) << closed.failure().message;
}

TEST(Connection, ThatIsNeverTakenLeavesNoDescriptorBehind) {
  const net::DeafListener server;
  const auto before = open_files();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Connection(server.at(), user, soon(20ms)).failure().kind, Kind::late);
    EXPECT_EQ(connect_on_a_loop(server.at(), 20ms).kind, Kind::late);
  }
  EXPECT_EQ(open_files(), before);
}

TEST(AsyncConnection, ThatIsClosedCallsNobodyAndWaitsForNobody) {
  const net::Listener server;
  boost::asio::io_context io;
  const auto connection = std::make_shared<AsyncConnection>(io);
  connection->connect(server.at(), user, soon(10s), [](const Answer&) { ADD_FAILURE(); });
  const auto its_greeting_never_comes = server.accept();
  boost::asio::post(io, [&] {
    connection->close();
    connection->close();
  });
  const auto start = std::chrono::steady_clock::now();
  io.run();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
  EXPECT_FALSE(connection->stands());
}

}  // namespace
}  // namespace faultline::sql
