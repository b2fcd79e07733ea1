#include "orchestrator/cli/lab.hpp"
#include "targets/lab/connection.hpp"
#include "targets/say.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>

namespace faultline::cli {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;
using lab::Connection;

/// Of one `forward` at once: two descriptors each, of the 1,024 that a process has at least.
constexpr int max_forwarded = 256;
constexpr Duration dial_limit = std::chrono::seconds(10);  // the lab gives up after 5 s itself

struct Place {
  std::string host, address;
  std::uint16_t port = 0;
};

/// Two connected sockets; what one receives the other sends, until both directions have ended.
class Relay : public std::enable_shared_from_this<Relay> {
 public:
  /// `slot` is held while the relay lives.
  Relay(tcp::socket outside, tcp::socket inside, std::shared_ptr<void> slot)
      : slot_(std::move(slot)), out_{std::move(outside), {}}, in_{std::move(inside), {}} {}

  void start() {
    copy(out_, in_);
    copy(in_, out_);
  }

 private:
  struct End {
    tcp::socket socket;
    std::array<char, 16 * 1024> block{};
  };

  void copy(End& from, End& to) {
    from.socket.async_read_some(
        boost::asio::buffer(from.block),
        [me = shared_from_this(), &from, &to](error_code failed, std::size_t bytes) {
          if (failed) {
            me->end(to);
            return;
          }
          boost::asio::async_write(to.socket, boost::asio::buffer(from.block.data(), bytes),
                                   [me, &from, &to](error_code broken, std::size_t) {
                                     if (broken) {
                                       error_code ignored;
                                       from.socket.close(ignored);
                                     } else {
                                       me->copy(from, to);
                                     }
                                   });
        });
  }

  /// The other direction may go on: a half-closed connection is a usual thing.
  static void end(End& to) {
    error_code ignored;
    to.socket.shutdown(tcp::socket::shutdown_send, ignored);
  }

  std::shared_ptr<void> slot_;
  End out_, in_;
};

class Forward {
 public:
  Forward(boost::asio::io_context& io, std::shared_ptr<Connection> connection, Place place)
      : io_(io),
        connection_(std::move(connection)),
        place_(std::move(place)),
        acceptor_(io),
        signals_(io, SIGINT, SIGTERM) {}

  Result<> listen(std::uint16_t port) {
    const tcp::endpoint endpoint(boost::asio::ip::address_v4::loopback(), port);
    error_code failed;
    acceptor_.open(endpoint.protocol(), failed);
    acceptor_.set_option(tcp::acceptor::reuse_address(true), failed);
    acceptor_.bind(endpoint, failed);
    if (!failed) {
      acceptor_.listen(max_forwarded, failed);
    }
    if (failed) {
      return Error{ErrorKind::io, fmt::format("cannot listen on 127.0.0.1:{}: {}; choose another "
                                              "port with --listen",
                                              port, failed.message())};
    }
    return {};
  }

  int run() {
    fmt::print("127.0.0.1:{} leads to {} ({}:{}); Ctrl-C ends it\n",
               acceptor_.local_endpoint().port(), place_.host, place_.address, place_.port);
    std::fflush(stdout);
    signals_.async_wait([this](error_code failed, int) {
      if (!failed) {
        io_.stop();
      }
    });
    connection_->on_notice([this](const targets::Notice& notice) {
      if (notice.name == "target_gone") {
        code_ = report({ErrorKind::io, notice.detail.value("reason", std::string())});
        io_.stop();
      }
    });
    accept();
    io_.run();
    return code_;
  }

 private:
  void accept() {
    acceptor_.async_accept([this](error_code failed, tcp::socket outside) {
      if (!failed && slots_.use_count() <= max_forwarded) {
        dial(std::make_shared<tcp::socket>(std::move(outside)));
      }
      if (acceptor_.is_open()) {
        accept();
      }
    });
  }

  void dial(std::shared_ptr<tcp::socket> outside) {
    connection_->request(
        "dial", {{"host", place_.host}, {"address", place_.address}, {"port", place_.port}},
        dial_limit, [this, outside, slot = slots_](Result<lab::Answer> answer) {
          if (!answer || answer->fds.size() != 1) {
            say(stderr, "faultline: {}\n",
                answer ? "the lab sent no connection" : answer.error().message);
            return;  // the client's connection closes
          }
          tcp::socket inside(io_, tcp::v4(), answer->fds.front().release());
          std::make_shared<Relay>(std::move(*outside), std::move(inside), slot)->start();
        });
  }

  boost::asio::io_context& io_;
  std::shared_ptr<Connection> connection_;
  Place place_;
  tcp::acceptor acceptor_;
  boost::asio::signal_set signals_;
  std::shared_ptr<int> slots_ = std::make_shared<int>(0);  // a use for each connection
  int code_ = 0;
};

/// "alb:80" in the lab that is up.
Result<Place> parse_place(const std::string& text, const std::string& profile) {
  const auto colon = text.rfind(':');
  const std::string host_name = text.substr(0, colon);
  Place place;
  const char* const first = colon == std::string::npos ? nullptr : text.c_str() + colon + 1;
  const char* const last = text.c_str() + text.size();
  if (first == nullptr || std::from_chars(first, last, place.port).ptr != last || place.port == 0) {
    return Error{ErrorKind::usage,
                 fmt::format("expected HOST:PORT such as alb:80, found '{}'", text)};
  }
  const auto host = find_host(lab::make_topology(lab::profile(profile).value()), host_name);
  if (!host) {
    return host.error();
  }
  place.host = host->name;
  place.address = host->address;
  return place;
}

}  // namespace

int lab_forward(const Context& context, const std::string& place, std::uint16_t listen) {
  const auto status = lab::ask(context.home, "status");
  if (!status) {
    return report(status.error());
  }
  auto found = parse_place(place, status->at("profile").get<std::string>());
  if (!found) {
    return report(found.error());
  }
  boost::asio::io_context io;
  auto connection = Connection::open(io.get_executor(), context.home);
  if (!connection) {
    return report(connection.error());
  }
  Forward forward(io, std::move(*connection), std::move(*found));
  const auto listening = forward.listen(listen);
  return listening ? forward.run() : report(listening.error());
}

}  // namespace faultline::cli
