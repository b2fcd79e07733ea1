#include "targets/lab/services/http_client.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

namespace faultline::services {
namespace {

namespace http = boost::beast::http;
using net::Fd;

constexpr std::size_t max_idle = 32;             ///< more than a bulkhead lets in flight
constexpr std::uint64_t max_answer = 64 * 1024;  ///< bytes; ours have 100

/// True when the socket is ready before the deadline.
bool wait_for(int socket, short events, Instant deadline) {
  while (true) {
    int ms = -1;
    if (deadline != Instant::max()) {
      const auto left = deadline - Instant(std::chrono::steady_clock::now());
      ms = static_cast<int>(
          std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(left).count()));
    }
    pollfd watched{socket, events, 0};
    const int ready = ::poll(&watched, 1, ms);
    if (ready > 0 || (ready == 0 && ms >= 0)) {
      return ready > 0;
    }
  }
}

CallError connect_to(const net::Endpoint& endpoint, Instant deadline, Fd& made) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  ::inet_pton(AF_INET, endpoint.address.c_str(), &address.sin_addr);
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EINPROGRESS) {
      return CallError::refused;
    }
    if (!wait_for(socket.get(), POLLOUT, deadline)) {
      return CallError::connect_timeout;
    }
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      return error == ETIMEDOUT ? CallError::connect_timeout : CallError::refused;
    }
  }
  made = std::move(socket);
  return CallError::none;
}

CallError send_all(int socket, std::string_view text, Instant deadline) {
  while (!text.empty()) {
    const ssize_t n = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (n > 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
      return CallError::closed;
    } else if (!wait_for(socket, POLLOUT, deadline)) {
      return CallError::timeout;
    }
  }
  return CallError::none;
}

/// A kept connection that its server has closed says so at once.
bool is_open(int socket) {
  char byte = 0;
  return ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

std::string to_text(const Call& call, const net::Endpoint& endpoint, bool keep) {
  std::string text =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: {}\r\n", call.method, call.target,
                  net::to_string(endpoint), keep ? "keep-alive" : "close");
  for (const auto& [name, value] : call.headers) {
    text += fmt::format("{}: {}\r\n", name, value);
  }
  if (!call.body.empty() || call.method != "GET") {
    text +=
        fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", call.body.size());
  }
  return text + "\r\n" + call.body;
}

/// An answer, byte by byte as it comes.
class Reader {
 public:
  Reader() {
    parser_.eager(true);
    parser_.body_limit(max_answer);
  }
  /// Until the answer is complete or the connection is of no more use.
  CallError read(int socket, Instant deadline) {
    std::array<char, 4096> chunk{};
    boost::system::error_code e;
    while (!parser_.is_done()) {
      if (!wait_for(socket, POLLIN, deadline)) {
        return CallError::timeout;
      }
      const ssize_t n = ::recv(socket, chunk.data(), chunk.size(), 0);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        continue;
      }
      if (n <= 0) {
        if (n == 0 && parser_.is_header_done()) {
          parser_.put_eof(e);  // a body without a length ends with the connection
        }
        return parser_.is_done() ? CallError::none : CallError::closed;
      }
      text_.append(chunk.data(), static_cast<std::size_t>(n));
      const std::size_t used = parser_.put(boost::asio::buffer(text_), e);
      text_.erase(0, used);
      if (e && e != http::error::need_more) {
        return CallError::closed;  // not HTTP, or too much of it
      }
    }
    return CallError::none;
  }
  [[nodiscard]] bool keep() const { return parser_.get().keep_alive() && text_.empty(); }
  [[nodiscard]] CallReply reply() const {
    return {CallError::none, static_cast<int>(parser_.get().result_int()), parser_.get().body()};
  }

 private:
  http::response_parser<http::string_body> parser_;
  std::string text_;
};

}  // namespace

std::string_view in_words(CallError error) {
  switch (error) {
    case CallError::none:
      return "answered";
    case CallError::connect_timeout:
      return "connect timed out";
    case CallError::refused:
      return "connection refused";
    case CallError::timeout:
      return "no answer in time";
    case CallError::closed:
      return "connection closed without an answer";
  }
  return "failed";
}

std::string_view to_string(CallError error) {
  constexpr std::array<std::string_view, 5> names{"answered", "connect_timeout", "refused",
                                                  "timeout", "closed"};
  return names.at(static_cast<std::size_t>(error));
}

CallReply HttpClient::call(const Call& call, const CallLimits& limits) {
  const std::string request = to_text(call, endpoint_, retries_ != nullptr);
  if (Fd kept = take()) {
    const CallReply reply = exchange(std::move(kept), request, limits.answer);
    if (reply.error != CallError::closed || !retries_->take()) {
      return reply;
    }
  }
  return on_new(request, limits);
}

CallReply HttpClient::on_new(const std::string& request, const CallLimits& limits) {
  Fd socket;
  const auto error = connect_to(endpoint_, std::min(limits.connect, limits.answer), socket);
  if (error != CallError::none) {
    return {error, 0, ""};
  }
  {
    const std::lock_guard lock(mutex_);
    ++figures_.opened;
  }
  return exchange(std::move(socket), request, limits.answer);
}

CallReply HttpClient::exchange(Fd socket, const std::string& request, Instant deadline) {
  {
    const std::lock_guard lock(mutex_);
    ++figures_.in_use;
  }
  Reader reader;
  CallError error = send_all(socket.get(), request, deadline);
  if (error == CallError::none) {
    error = reader.read(socket.get(), deadline);
  }
  const bool keep = error == CallError::none && retries_ != nullptr && reader.keep();
  {
    const std::lock_guard lock(mutex_);
    --figures_.in_use;
  }
  if (keep) {
    put_back(std::move(socket));
  }
  return error == CallError::none ? reader.reply() : CallReply{error, 0, ""};
}

Fd HttpClient::take() {
  const std::lock_guard lock(mutex_);
  while (!idle_.empty()) {
    Fd socket = std::move(idle_.back());
    idle_.pop_back();
    if (is_open(socket.get())) {
      return socket;
    }
  }
  return {};
}

void HttpClient::put_back(Fd socket) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < max_idle) {
    idle_.push_back(std::move(socket));
  }
}

HttpClient::Figures HttpClient::figures() const {
  const std::lock_guard lock(mutex_);
  Figures figures = figures_;
  figures.idle = static_cast<int>(idle_.size());
  return figures;
}

}  // namespace faultline::services
