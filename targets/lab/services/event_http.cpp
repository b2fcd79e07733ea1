#include "targets/lab/services/event_http.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <sys/resource.h>
#include <sys/socket.h>

namespace faultline::services {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using namespace std::chrono_literals;
using ErrorCode = boost::system::error_code;
using Tcp = asio::ip::tcp;

constexpr int backlog = 4096;               ///< a fault opens thousands of connections at once
constexpr std::uint32_t max_header = 8192;  ///< bytes; ours have 300
constexpr std::uint64_t max_body = 16'384;  ///< bytes; a charge has 60
constexpr Duration body_step = 50ms;        ///< between two pieces of a slow body
/// For the caller to close first, as ours do within milliseconds; others wait for us to do so. Who
/// closes first remembers the connection for a minute (TIME_WAIT): at the third party that would be
/// thousands of the NAT's ports, on which a new connection of another node is refused at first.
constexpr Duration last_word = 50ms;
constexpr Duration accept_pause = 100ms;  ///< when descriptors have run out, before trying again

Instant machine_now() {
  return std::chrono::steady_clock::now();
}

HttpRequest to_request(const http::request<http::string_body>& raw, std::string from) {
  HttpRequest request;
  request.method = std::string(raw.method_string());
  request.path = std::string(raw.target().substr(0, raw.target().find('?')));
  for (const auto& field : raw) {
    std::string name(field.name_string());
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    request.headers[name] = std::string(field.value());
  }
  request.body = raw.body();
  request.from = std::move(from);
  return request;
}

}  // namespace

class EventHttp::Shared {
 public:
  explicit Shared(Handle handle) : handle_(std::move(handle)) {}
  Recipe handle(const HttpRequest& request) const { return handle_(request); }
  std::set<Session*> sessions;

 private:
  Handle handle_;
};

/// One connection: read, wait, answer, and again.
class EventHttp::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Tcp::socket socket, std::shared_ptr<Shared> shared)
      : socket_(std::move(socket)), timer_(socket_.get_executor()), shared_(std::move(shared)) {
    shared_->sessions.insert(this);
    ErrorCode ignored;
    socket_.set_option(Tcp::no_delay(true), ignored);
    from_ = socket_.remote_endpoint(ignored).address().to_string();
  }
  ~Session() { shared_->sessions.erase(this); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void read() {
    recipe_ = nullptr;
    parser_.emplace();
    parser_->header_limit(max_header);
    parser_->body_limit(max_body);
    http::async_read(socket_, buffer_, *parser_,
                     [me = shared_from_this()](ErrorCode e, std::size_t) { me->on_read(e); });
  }

  /// What it waits for may have changed: its timer's handler asks again.
  void reconsider() {
    if (recipe_) {
      timer_.cancel();
    }
  }

 private:
  void on_read(ErrorCode e) {
    if (e) {
      return;  // the peer is gone, or does not speak HTTP: the connection ends with the session
    }
    arrived_ = machine_now();
    sent_ = 0;
    recipe_ = shared_->handle(to_request(parser_->get(), from_));
    watch_for_hang_up();
    wait();
  }

  /// A caller that gives up must not keep a connection here, and a port at the NAT, until its
  /// answer is due.
  void watch_for_hang_up() {
    socket_.async_wait(Tcp::socket::wait_read, [me = shared_from_this()](ErrorCode e) {
      char byte = 0;
      const bool gone =
          !e && ::recv(me->socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
      if (gone) {
        me->close();
      }
    });
  }

  void close() {
    ErrorCode ignored;
    socket_.close(ignored);
    timer_.cancel();
  }

  void at(Instant when, void (Session::*then)()) {
    timer_.expires_at(when);
    timer_.async_wait([me = shared_from_this(), then](ErrorCode) {
      if (me->socket_.is_open()) {
        (me.get()->*then)();
      }
    });
  }

  void wait() {
    const Reaction reaction = recipe_();
    const Instant due = arrived_ + reaction.delay;
    if (machine_now() < due) {
      at(due, &Session::wait);
    } else if (reaction.reset) {
      ErrorCode ignored;
      socket_.set_option(asio::socket_base::linger(true, 0), ignored);  // close sends RST
      close();
    } else {
      write_head(reaction);
    }
  }

  void write_head(const Reaction& reaction) {
    const bool keep = parser_->get().keep_alive();
    body_ = reaction.body;
    out_ = fmt::format(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: {}\r\n\r\n",
        reaction.status, std::string(http::obsolete_reason(http::status(reaction.status))),
        reaction.content_type, body_.size(), keep ? "keep-alive" : "close");
    began_ = machine_now();
    if (reaction.body_takes <= 0ns) {
      out_ += body_;
      sent_ = body_.size();
    }
    write();
  }

  void write() {
    asio::async_write(socket_, asio::buffer(out_),
                      [me = shared_from_this()](ErrorCode e, std::size_t) {
                        if (!e) {
                          me->go_on();
                        }
                      });
  }

  void go_on() {
    if (sent_ < body_.size()) {
      at(machine_now() + body_step, &Session::trickle);
    } else if (parser_->get().keep_alive()) {
      read();
    } else {
      recipe_ = nullptr;
      at(machine_now() + last_word, &Session::close);  // unless the caller hangs up before
    }
  }

  void trickle() {
    const Duration takes = recipe_().body_takes;
    const Duration passed = machine_now() - began_;
    const std::size_t due = passed >= takes
                                ? body_.size()
                                : static_cast<std::size_t>(static_cast<double>(body_.size()) *
                                                           (to_ms(passed) / to_ms(takes)));
    out_ = body_.substr(sent_, due - std::min(due, sent_));
    sent_ = std::max(sent_, due);
    out_.empty() ? go_on() : write();
  }

  Tcp::socket socket_;
  asio::steady_timer timer_;
  std::shared_ptr<Shared> shared_;
  std::string from_;
  boost::beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  Recipe recipe_;  ///< of the request that is being answered
  Instant arrived_, began_;
  std::string out_, body_;
  std::size_t sent_ = 0;  ///< bytes of the body
};

class EventHttp::Door {
 public:
  Door(Tcp::acceptor acceptor, Handle handle)
      : acceptor_(std::move(acceptor)),
        pause_(acceptor_.get_executor()),
        shared_(std::make_shared<Shared>(std::move(handle))) {
    accept();
  }

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  void reconsider() {
    for (Session* session : shared_->sessions) {
      session->reconsider();
    }
  }

 private:
  void accept() {
    acceptor_.async_accept([this](ErrorCode e, Tcp::socket socket) {
      if (e == asio::error::operation_aborted) {
        return;
      }
      if (!e) {
        std::make_shared<Session>(std::move(socket), shared_)->read();
        accept();
        return;
      }
      pause_.expires_after(accept_pause);
      pause_.async_wait([this](ErrorCode stopped) {
        if (!stopped) {
          accept();
        }
      });
    });
  }

  Tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::shared_ptr<Shared> shared_;
};

EventHttp::EventHttp(std::unique_ptr<Door> door) : door_(std::move(door)) {}
EventHttp::~EventHttp() = default;

Result<std::unique_ptr<EventHttp>> EventHttp::open(asio::io_context& io, const net::Endpoint& at,
                                                   Handle handle) {
  try {
    const Tcp::endpoint endpoint(asio::ip::make_address(at.address), at.port);
    Tcp::acceptor acceptor(io, endpoint.protocol());
    acceptor.set_option(asio::socket_base::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen(backlog);
    return std::unique_ptr<EventHttp>(
        new EventHttp(std::make_unique<Door>(std::move(acceptor), std::move(handle))));
  } catch (const boost::system::system_error& e) {
    return Error{ErrorKind::io,
                 fmt::format("cannot listen on {}: {}", net::to_string(at), e.code().message())};
  }
}

std::uint16_t EventHttp::port() const {
  return door_->port();
}

void EventHttp::reconsider() {
  door_->reconsider();
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

}  // namespace faultline::services
