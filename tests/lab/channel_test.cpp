#include "targets/lab/channel.hpp"

#include "targets/lab/protocol.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fcntl.h>
#include <sys/socket.h>

namespace faultline::lab {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// What one side of a connection has seen.
struct Side {
  std::shared_ptr<Channel> channel;
  std::vector<json> lines;
  std::vector<std::vector<net::Fd>> fds;
  std::string closed;

  void start() {
    channel->start(
        [this](json line, std::vector<net::Fd> with) {
          lines.push_back(std::move(line));
          fds.push_back(std::move(with));
        },
        [this](std::string reason) { closed = std::move(reason); });
  }
};

std::array<net::Fd, 2> socket_pair() {
  int fds[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  return {net::Fd(fds[0]), net::Fd(fds[1])};
}

struct ChannelTest : testing::Test {
  boost::asio::io_context io;
  Side left;
  Side right;

  ChannelTest() {
    auto ends = socket_pair();
    left.channel = Channel::adopt(io.get_executor(), std::move(ends[0]));
    right.channel = Channel::adopt(io.get_executor(), std::move(ends[1]));
    left.start();
    right.start();
  }
  ~ChannelTest() override {
    left.channel->close();
    right.channel->close();
    settle();
  }
  /// Runs until `done`, or until nothing more can come of it.
  template <class Done>
  void until(Done done) {
    while (!done() && io.run_one_for(std::chrono::seconds(5)) > 0) {
    }
    EXPECT_TRUE(done());
  }
  void settle() {
    while (io.poll() > 0) {
    }
  }
  std::vector<net::Fd> open_files(std::size_t count) {
    std::vector<net::Fd> files;
    for (std::size_t i = 0; i < count; ++i) {
      files.emplace_back(::open("/dev/null", O_RDWR | O_CLOEXEC));
    }
    return files;
  }
};

TEST_F(ChannelTest, LinesArriveInOrder) {
  for (int i = 0; i < 100; ++i) {
    left.channel->send({{"n", i}});
  }
  until([&] { return right.lines.size() == 100; });
  EXPECT_EQ(right.lines.front().at("n"), 0);
  EXPECT_EQ(right.lines.back().at("n"), 99);
}

TEST_F(ChannelTest, DescriptorsArriveWithTheLineThatSentThem) {
  left.channel->send({{"n", 0}});
  left.channel->send({{"n", 1}}, open_files(3));
  left.channel->send({{"n", 2}});
  left.channel->send({{"n", 3}}, open_files(1));
  until([&] { return right.lines.size() == 4; });
  EXPECT_EQ(right.fds[0].size(), 0u);
  EXPECT_EQ(right.fds[1].size(), 3u);
  EXPECT_EQ(right.fds[2].size(), 0u);
  EXPECT_EQ(right.fds[3].size(), 1u);
}

TEST_F(ChannelTest, ALongLineWithDescriptorsArrivesWhole) {
  left.channel->send({{"text", std::string(900'000, 'x')}}, open_files(2));
  left.channel->send({{"n", 1}});
  until([&] { return right.lines.size() == 2; });
  EXPECT_EQ(right.lines[0].at("text").get<std::string>().size(), 900'000u);
  EXPECT_EQ(right.fds[0].size(), 2u);
}

TEST_F(ChannelTest, ALineThatIsTooLongClosesTheChannel) {
  left.channel->send({{"text", std::string(max_line_bytes, 'x')}});
  until([&] { return !right.closed.empty(); });
  EXPECT_THAT(right.closed, HasSubstr("1048576"));
  EXPECT_TRUE(right.lines.empty());
}

TEST_F(ChannelTest, AReaderThatSleepsIsDisconnected) {
  right.channel->close();
  auto ends = socket_pair();
  auto channel = Channel::adopt(io.get_executor(), std::move(ends[0]));
  std::string closed;
  channel->start([](json, std::vector<net::Fd>) {}, [&](std::string why) { closed = why; });
  for (int i = 0; i < 6; ++i) {
    channel->send({{"text", std::string(1'000'000, 'x')}});
  }
  until([&] { return !closed.empty(); });
  EXPECT_THAT(closed, HasSubstr("does not read"));
}

TEST_F(ChannelTest, TheEndOfOneSideIsSeenByTheOther) {
  left.channel->close();
  until([&] { return !right.closed.empty(); });
  EXPECT_TRUE(left.closed.empty()) << "who closes is not told";
}

/// Anything that is not a JSON line of sane depth ends the connection, nothing crashes.
TEST_F(ChannelTest, GarbageClosesTheChannel) {
  std::vector<std::string> all{"not json\n", "\xff\xfe\n", "\n"};
  all.push_back(std::string(500'000, '['));
  all.back() += '\n';
  for (const auto& garbage : all) {
    auto ends = socket_pair();
    Side reader;
    reader.channel = Channel::adopt(io.get_executor(), std::move(ends[0]));
    reader.start();
    std::size_t sent = 0;
    until([&] {
      if (sent < garbage.size()) {
        const auto n = ::send(ends[1].get(), garbage.data() + sent, garbage.size() - sent,
                              MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += n > 0 ? static_cast<std::size_t>(n) : 0;
      }
      return !reader.closed.empty();
    });
    EXPECT_TRUE(reader.lines.empty());
  }
}

TEST_F(ChannelTest, NobodyAtTheSocketIsNotFound) {
  const auto none = Channel::connect(io.get_executor(), "/nonexistent/control.sock");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::not_found);
  const auto too_long = Channel::connect(io.get_executor(), "/" + std::string(120, 'x'));
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().kind, ErrorKind::usage);
}

}  // namespace
}  // namespace faultline::lab
