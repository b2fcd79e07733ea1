#include "targets/net/line_server.hpp"

#include <boost/asio.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace faultline::net {
namespace {

namespace fs = std::filesystem;
namespace asio = boost::asio;
using nlohmann::json;
using testing::HasSubstr;

/// A server that answers with what it was asked, and clients on the same thread.
class LineServerTest : public testing::Test {
 protected:
  LineServerTest() {
    std::string name = "/tmp/faultline-line-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ / "control.sock";
  }
  ~LineServerTest() override { fs::remove_all(folder_); }

  void open() {
    auto server = LineServer::open(io_, path_, [](const json& request) -> json {
      if (request.contains("fail")) {
        throw Failure({ErrorKind::refused, "not today"});
      }
      return request.at("say");
    });
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  asio::local::stream_protocol::socket connect() {
    asio::local::stream_protocol::socket socket(io_);
    socket.connect(path_.string());
    return socket;
  }
  /// Everything that the server answers to this text, until it closes.
  std::string answer_to(const std::string& text) {
    auto socket = connect();
    std::string answer;
    bool closed = false;
    asio::async_write(socket, asio::buffer(text), [](auto, auto) {});
    asio::async_read(socket, asio::dynamic_buffer(answer), [&](auto, auto) { closed = true; });
    run_until([&] { return closed; });
    return answer;
  }
  void run_until(const std::function<bool()>& over) {
    io_.restart();
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!over() && std::chrono::steady_clock::now() < limit) {
      io_.run_one_for(std::chrono::seconds(1));
    }
    EXPECT_TRUE(over());
  }

  fs::path folder_, path_;
  asio::io_context io_;
  std::unique_ptr<LineServer> server_;
};

TEST_F(LineServerTest, AnswersOneLineAndCloses) {
  open();
  EXPECT_EQ(answer_to("{\"say\": [1, 2]}\n"), "{\"ok\":[1,2]}\n");
  EXPECT_EQ(answer_to("{\"say\": null}\n"), "{\"ok\":null}\n");
}

TEST_F(LineServerTest, TellsWhatWentWrong) {
  open();
  EXPECT_EQ(answer_to("{\"fail\": 1}\n"), "{\"error\":\"not today\"}\n");
  EXPECT_THAT(answer_to("{\"fail\n"), HasSubstr("parse error"));
  EXPECT_THAT(answer_to("{}\n"), HasSubstr("key 'say' not found"));
}

TEST_F(LineServerTest, ClosesOnALineThatIsTooLong) {
  open();
  EXPECT_EQ(answer_to(std::string(70'000, 'x')), "");
  EXPECT_EQ(answer_to("{\"say\": 1}\n"), "{\"ok\":1}\n") << "others are served";
}

TEST_F(LineServerTest, ASilentClientKeepsNobodyWaiting) {
  open();
  const auto silent = connect();
  EXPECT_EQ(answer_to("{\"say\": 1}\n"), "{\"ok\":1}\n");
}

TEST_F(LineServerTest, WaitsForADescriptorInsteadOfSpinning) {
  open();
  const auto waiting = connect();
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int first_free = ::dup(0);
  ::close(first_free);
  auto none_left = before;
  none_left.rlim_cur = static_cast<rlim_t>(first_free);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none_left), 0);
  const auto handlers = io_.run_for(std::chrono::milliseconds(300));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_LT(handlers, 20u);
  EXPECT_EQ(answer_to("{\"say\": 1}\n"), "{\"ok\":1}\n");
}

TEST_F(LineServerTest, IsForItsOwnerAlone) {
  open();
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
}

TEST_F(LineServerTest, TakesThePlaceOfOneThatIsGone) {
  open();
  server_.reset();
  ASSERT_TRUE(fs::exists(path_)) << "the socket of a process that was killed";
  open();
  EXPECT_EQ(answer_to("{\"say\": 1}\n"), "{\"ok\":1}\n");
}

TEST_F(LineServerTest, MayGoWhileTheLoopRunsOn) {
  open();
  const auto waiting = connect();
  io_.poll();
  server_.reset();
  io_.restart();
  io_.poll();  // what it had begun is told of its end
  EXPECT_THROW(connect(), boost::system::system_error);
}

TEST_F(LineServerTest, SaysWhereItCannotListen) {
  const auto server =
      LineServer::open(io_, folder_ / "none" / "x", [](const json& j) { return j; });
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().kind, ErrorKind::io);
  EXPECT_THAT(server.error().message, HasSubstr("/none/x"));
}

}  // namespace
}  // namespace faultline::net
