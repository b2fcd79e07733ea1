#pragma once

#include <boost/asio.hpp>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

/// Servers on loopback whose behaviour is known exactly, so that the measurement can be checked.
namespace faultline::load::testing {

namespace asio = boost::asio;
using asio::ip::tcp;

/// What a server does with one request.
struct Answer {
  std::string bytes;
  std::chrono::milliseconds delay{0};
  bool close = false;                  ///< afterwards
  bool never = false;                  ///< keeps the connection and says nothing
  bool reset = false;                  ///< the connection, instead of an answer
  std::string again{};                 ///< after `bytes`, without end
  std::chrono::milliseconds pause{0};  ///< before each of these
};

/// How many bytes of `input` are one whole request; 0: not yet whole.
using Framing = std::function<std::size_t(const std::string& input)>;
using Behaviour = std::function<Answer(std::uint64_t number, const std::string& request)>;

/// Serves on a thread of its own until destroyed.
class Server {
 public:
  Server(Framing framing, Behaviour behaviour)
      : framing_(std::move(framing)),
        behaviour_(std::move(behaviour)),
        acceptor_(io_, {asio::ip::address_v4::loopback(), 0}) {
    accept();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Server() {
    io_.stop();
    thread_.join();
  }
  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port()); }
  [[nodiscard]] std::uint64_t connections() const { return connections_; }
  /// Resets every connection; for a behaviour, which the server's thread calls.
  void cut() {
    for (auto& weak : open_) {
      if (const auto connection = weak.lock()) {
        connection->reset();
      }
    }
    open_.clear();
  }

 private:
  struct Connection : std::enable_shared_from_this<Connection> {
    Connection(Server& owner, tcp::socket accepted)
        : server(owner), socket(std::move(accepted)), timer(server.io_) {}

    void read() {
      while (const auto size = server.framing_(input)) {
        const auto request = input.substr(0, size);
        input.erase(0, size);
        answer = server.behaviour_(server.requests_++, request);
        if (answer.never) {
          continue;
        }
        if (answer.reset) {
          return reset();
        }
        if (answer.delay == std::chrono::milliseconds::zero()) {
          return write();  // not behind the requests of everybody else
        }
        timer.expires_after(answer.delay);
        timer.async_wait([self = shared_from_this()](auto) { self->write(); });
        return;
      }
      socket.async_read_some(asio::buffer(chunk),
                             [self = shared_from_this()](auto error, std::size_t bytes) {
                               if (!error) {
                                 self->input.append(self->chunk.data(), bytes);
                                 self->read();
                               }
                             });
    }

    void write() {
      asio::async_write(socket, asio::buffer(answer.bytes),
                        [self = shared_from_this()](auto error, std::size_t) {
                          if (error || self->answer.close) {
                            return;
                          }
                          self->answer.again.empty() ? self->read() : self->write_again();
                        });
    }
    void reset() {
      socket.set_option(tcp::socket::linger(true, 0));
      socket.close();
    }
    void write_again() {
      answer.bytes = answer.again;
      timer.expires_after(answer.pause);
      timer.async_wait([self = shared_from_this()](auto error) {
        if (!error) {
          self->write();
        }
      });
    }

    Server& server;
    tcp::socket socket;
    asio::steady_timer timer;
    std::string input;
    std::array<char, 4096> chunk{};
    Answer answer;
  };

  void accept() {
    acceptor_.async_accept([this](auto error, tcp::socket socket) {
      if (!error) {
        ++connections_;
        const auto connection = std::make_shared<Connection>(*this, std::move(socket));
        open_.push_back(connection);
        connection->read();
        accept();
      }
    });
  }

  Framing framing_;
  Behaviour behaviour_;
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::atomic<std::uint64_t> connections_ = 0;
  std::vector<std::weak_ptr<Connection>> open_;
  std::uint64_t requests_ = 0;
  std::thread thread_;
};

// ---- HTTP

inline std::size_t http_framing(const std::string& input) {
  const auto head = input.find("\r\n\r\n");
  if (head == std::string::npos) {
    return 0;
  }
  const auto field = input.find("Content-Length: ");
  const auto body = field < head ? std::stoul(input.substr(field + 16)) : 0;
  return input.size() >= head + 4 + body ? head + 4 + body : 0;
}

inline std::string http_answer(const std::string& status, const std::string& fields = "") {
  return "HTTP/1.1 " + status + "\r\nContent-Length: 2\r\n" + fields + "\r\nok";
}

// ---- RESP

inline std::string bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

/// The words of the first whole command of `input`, and its size; 0 when not yet whole.
inline std::pair<std::vector<std::string>, std::size_t> parse_command(const std::string& input) {
  std::size_t at = 0;
  const auto number = [&]() -> long {
    const auto end = input.find("\r\n", at);
    if (end == std::string::npos) {
      return -1;
    }
    const long value = std::stol(input.substr(at + 1, end - at - 1));
    at = end + 2;
    return value;
  };
  const long count = input.empty() ? -1 : number();
  std::vector<std::string> words;
  for (long i = 0; i < count; ++i) {
    const long size = at < input.size() ? number() : -1;
    if (size < 0 || input.size() < at + static_cast<std::size_t>(size) + 2) {
      return {{}, 0};
    }
    words.push_back(input.substr(at, static_cast<std::size_t>(size)));
    at += static_cast<std::size_t>(size) + 2;
  }
  return {words, count < 0 ? 0 : at};
}

inline std::size_t resp_framing(const std::string& input) {
  return parse_command(input).second;
}

}  // namespace faultline::load::testing
