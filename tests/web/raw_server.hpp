#pragma once

#include <boost/asio.hpp>

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>

namespace faultline::web::testing {

using boost::asio::ip::tcp;

/// One connection as a server sees it; every call is over when the other side has gone.
class Visitor {
 public:
  explicit Visitor(tcp::socket& socket) : socket_(socket) {}

  /// A request with its body, as far as Content-Length says; empty when there is no more.
  std::string request() {
    boost::system::error_code gone;
    const auto head =
        boost::asio::read_until(socket_, boost::asio::dynamic_buffer(input_), "\r\n\r\n", gone);
    if (gone) {
      return "";
    }
    const auto length = input_.find("Content-Length: ");
    const auto body = length < head ? std::stoul(input_.substr(length + 16)) : 0;
    while (input_.size() < head + body && !gone) {
      boost::asio::read(socket_, boost::asio::dynamic_buffer(input_),
                        boost::asio::transfer_at_least(1), gone);
    }
    const auto whole = input_.substr(0, head + body);
    input_.erase(0, head + body);
    return whole;
  }
  /// False when the other side has gone.
  bool say(const std::string& bytes) {
    boost::system::error_code gone;
    boost::asio::write(socket_, boost::asio::buffer(bytes), gone);
    return !gone;
  }
  /// A byte now and then, for ever.
  void trickle(const std::string& byte) {
    while (say(byte)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  void wait_until_gone() {
    while (!request().empty()) {
    }
  }
  /// Ends with a reset instead of a farewell.
  void reset() { socket_.set_option(boost::asio::socket_base::linger(true, 0)); }

 private:
  tcp::socket& socket_;
  std::string input_;
};

/// Serves each connection on a thread of its own, on loopback, until destroyed; a connection is
/// closed when `talk` returns.
class RawServer {
 public:
  using Talk = std::function<void(Visitor&)>;

  explicit RawServer(Talk talk) : talk_(std::move(talk)) {
    accept();
    acceptor_thread_ = std::thread([this] { io_.run(); });
  }
  ~RawServer() {
    io_.stop();
    acceptor_thread_.join();
    for (auto& connection : connections_) {
      ::shutdown(connection.socket.native_handle(), SHUT_RDWR);
      connection.thread.join();
    }
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  [[nodiscard]] std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + path;
  }
  [[nodiscard]] int connections() const { return accepted_; }
  [[nodiscard]] int open() const { return open_; }

 private:
  struct Connection {
    tcp::socket socket;
    std::thread thread{};
  };

  void accept() {
    acceptor_.async_accept([this](boost::system::error_code failed, tcp::socket socket) {
      if (failed) {
        return;
      }
      ++accepted_;
      ++open_;
      auto& connection = connections_.emplace_back(Connection{std::move(socket)});
      connection.thread = std::thread([this, &connection] {
        Visitor visitor(connection.socket);
        talk_(visitor);
        end(connection);
        --open_;
      });
      accept();
    });
  }
  /// The descriptor stays ours, so that nobody else gets its number while others use it.
  static void end(Connection& connection) {
    boost::asio::socket_base::linger linger;
    connection.socket.get_option(linger);
    if (linger.enabled()) {
      sockaddr nowhere{};
      nowhere.sa_family = AF_UNSPEC;  // a TCP socket that is connected to nothing sends a reset
      ::connect(connection.socket.native_handle(), &nowhere, sizeof nowhere);
    } else {
      ::shutdown(connection.socket.native_handle(), SHUT_RDWR);
    }
  }

  Talk talk_;
  boost::asio::io_context io_{1};
  tcp::acceptor acceptor_{io_, {boost::asio::ip::address_v4::loopback(), 0}};
  std::list<Connection> connections_;  // the acceptor's thread adds, the destructor reads
  std::atomic<int> accepted_{0}, open_{0};
  std::thread acceptor_thread_;
};

}  // namespace faultline::web::testing
