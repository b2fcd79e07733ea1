#include "targets/lab/services/sql_pool.hpp"
#include "targets/net/fd.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <arpa/inet.h>
#include <filesystem>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>

/// What a database that is cut off, gone or not there looks like to a node. Statements against a
/// real one are tested on the lab.
namespace faultline::services {
namespace {

using namespace std::chrono_literals;

const SqlUser user{"app", "lab", "shop"};

/// Accepts connections, because the kernel does, and never says a word.
class Mute {
 public:
  explicit Mute(int backlog = 16) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size);
    ::listen(fd_.get(), backlog);
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    at = {"127.0.0.1", ntohs(address.sin_port)};
  }
  void stop() { fd_.reset(); }
  net::Endpoint at;

 private:
  net::Fd fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
};

TEST(SqlPoolTest, AServerThatHangsCostsItsTimeoutAndNoMore) {
  Mute server;
  SqlPool pool(server.at, user, 4);
  const auto start = std::chrono::steady_clock::now();
  const SqlReply reply = pool.query("SELECT 1", 150ms);
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(reply.error, SqlError::refused) << reply.detail;
  EXPECT_GE(took, 150ms);
  EXPECT_LT(took, 2s);
  EXPECT_EQ(pool.figures().in_use, 0);
  EXPECT_EQ(pool.figures().idle, 0);
}

TEST(SqlConnectionTest, OneThatIsNeverTakenLeavesNoDescriptorBehind) {
  const Mute server(0);  // the kernel takes one connection and answers no other
  const net::Fd queued(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(server.at.port);
  ASSERT_EQ(::connect(queued.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const auto open = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  const auto before = open();
  for (int i = 0; i < 5; ++i) {
    const SqlConnection late(server.at, user, std::chrono::steady_clock::now() + 20ms);
    EXPECT_EQ(late.failure().error, SqlError::refused);
  }
  EXPECT_EQ(open(), before);
}

TEST(SqlPoolTest, WhereNobodyListensItSaysSoAtOnce) {
  Mute server;
  server.stop();
  SqlPool pool(server.at, user, 4);
  const SqlReply reply = pool.query("SELECT 1", 10s);
  EXPECT_EQ(reply.error, SqlError::refused);
  EXPECT_TRUE(passes(reply.error)) << "a failover would not be waited for";
}

TEST(SqlPoolTest, WithAllConnectionsInUseACallerWaitsItsTimeAndIsCounted) {
  Mute server;
  SqlPool pool(server.at, user, 1);
  std::thread first([&] { pool.query("SELECT 1", 500ms); });
  while (pool.figures().in_use == 0) {
    std::this_thread::yield();
  }
  EXPECT_EQ(pool.query("SELECT 1", 20ms).error, SqlError::busy);
  EXPECT_EQ(pool.figures().timed_out, 1u);
  first.join();
  EXPECT_EQ(pool.figures().in_use, 0);
}

TEST(SqlText, QuotesWhatWouldEndIt) {
  EXPECT_EQ(sql_text("o-1"), "'o-1'");
  EXPECT_EQ(sql_text("x' OR '1"), R"('x\' OR \'1')");
  EXPECT_EQ(sql_text("\\"), R"('\\')");
}

}  // namespace
}  // namespace faultline::services
