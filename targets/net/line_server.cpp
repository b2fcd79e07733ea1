#include "targets/net/line_server.hpp"

#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sys/stat.h>

namespace faultline::net {
namespace {

using Json = nlohmann::json;
using Protocol = boost::asio::local::stream_protocol;

constexpr std::size_t max_line_bytes = 64 * 1024;  ///< a layer takes 200 bytes

/// When descriptors have run out, before trying again.
constexpr auto accept_pause = std::chrono::milliseconds(100);

std::string answer_to(const LineServer::Handle& handle, const std::string& line) {
  Json answer;
  try {
    answer = {{"ok", handle(Json::parse(line))}};
  } catch (const std::exception& e) {
    answer = {{"error", e.what()}};
  }
  return answer.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace

class LineServer::Conversation : public std::enable_shared_from_this<Conversation> {
 public:
  Conversation(Protocol::socket socket, Handle handle)
      : socket_(std::move(socket)), handle_(std::move(handle)) {}

  void begin() {
    boost::asio::async_read_until(socket_, boost::asio::dynamic_buffer(text_, max_line_bytes), '\n',
                                  [me = shared_from_this()](boost::system::error_code e, auto) {
                                    if (!e) {
                                      me->answer();
                                    }
                                  });
  }

 private:
  void answer() {
    text_ = answer_to(handle_, text_.substr(0, text_.find('\n')));
    boost::asio::async_write(socket_, boost::asio::buffer(text_),
                             [me = shared_from_this()](boost::system::error_code, auto) {});
  }

  Protocol::socket socket_;
  Handle handle_;  // its own: the server may be gone first
  std::string text_;
};

Result<std::unique_ptr<LineServer>> LineServer::open(boost::asio::io_context& io,
                                                     const std::filesystem::path& path,
                                                     Handle handle) {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  const mode_t before = ::umask(0177);
  try {
    Protocol::acceptor acceptor(io, Protocol::endpoint(path.string()));
    ::umask(before);
    std::unique_ptr<LineServer> server(new LineServer(std::move(acceptor), std::move(handle)));
    server->accept();
    return server;
  } catch (const boost::system::system_error& e) {
    ::umask(before);
    return Error{ErrorKind::io, fmt::format("cannot listen at {}: {}", path.string(), e.what())};
  }
}

void LineServer::accept() {
  acceptor_.async_accept([this](boost::system::error_code e, Protocol::socket socket) {
    if (e == boost::asio::error::operation_aborted) {
      return;  // the server is gone
    }
    if (!e) {
      std::make_shared<Conversation>(std::move(socket), handle_)->begin();
      accept();
      return;
    }
    pause_.expires_after(accept_pause);
    pause_.async_wait([this](boost::system::error_code stopped) {
      if (!stopped) {
        accept();
      }
    });
  });
}

}  // namespace faultline::net
