#include "targets/lab/supervisor_ask.hpp"

#include "targets/lab/supervisor_namespaces.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <array>
#include <sys/socket.h>
#include <sys/un.h>

namespace faultline::lab {
namespace {

namespace asio = boost::asio;
using asio::generic::stream_protocol;
using ErrorCode = boost::system::error_code;

constexpr std::size_t max_path_bytes = sizeof(sockaddr_un::sun_path) - 1;  // and its zero
constexpr std::size_t max_answer_bytes = 256u << 10;  // INFO and show stat have a few KiB

/// What an error of a connect, a write or a read says about the silence.
Silence silence(ErrorCode e) {
  const bool here = e == boost::system::errc::address_not_available ||
                    e == asio::error::no_buffer_space || e == asio::error::no_memory;
  return here                                   ? Silence::not_asked
         : e == asio::error::connection_refused ? Silence::refused
                                                : Silence::broken;
}

/// Keeps itself alive by its pending operations until it has called `done_`.
class Conversation : public std::enable_shared_from_this<Conversation> {
 public:
  using Done = std::function<void(boost::system::result<Said, NoAnswer>, Conversation&)>;

  Conversation(asio::io_context& io, const Question& question, Done done)
      : io_(io), question_(question), done_(std::move(done)), socket_(io), timer_(io) {}

  void begin() {
    timer_.expires_after(question_.limit);
    timer_.async_wait([me = shared_from_this()](ErrorCode e) {
      if (!e) {
        me->finish(Silence::timeout, "timed out");
      }
    });
    if (auto opened = open(); !opened) {
      asio::post(io_, [me = shared_from_this(), words = opened.error().message] {
        me->finish(Silence::not_asked, words);
      });
      return;
    }
    socket_.async_connect(endpoint(), [me = shared_from_this()](ErrorCode e) {
      if (me->alive(e)) {
        me->on_connected();
      }
    });
  }

  int take_socket() {
    ErrorCode error;
    const int fd = socket_.release(error);
    return error ? -1 : fd;
  }

 private:
  [[nodiscard]] bool unix_path() const { return !question_.path.empty(); }

  Result<> open() {
    if (unix_path()) {
      if (question_.path.size() > max_path_bytes) {
        return Error{ErrorKind::usage,
                     fmt::format("a socket's path has at most {} bytes and this one has {}; use a "
                                 "shorter folder",
                                 max_path_bytes, question_.path.size())};
      }
      ErrorCode error;
      socket_.open(stream_protocol(AF_UNIX, 0), error);
      return error ? Result<>(Error{ErrorKind::io, error.message()}) : Result<>{};
    }
    ErrorCode wrong;
    asio::ip::make_address_v4(question_.address, wrong);
    if (wrong) {
      return Error{ErrorKind::usage, fmt::format("'{}' is not an IPv4 address", question_.address)};
    }
    auto fd = tcp_socket_in(question_.host);
    if (!fd) {
      return fd.error();
    }
    socket_.assign(stream_protocol(AF_INET, IPPROTO_TCP), fd->release());
    return {};
  }

  [[nodiscard]] stream_protocol::endpoint endpoint() const {
    if (unix_path()) {
      return asio::local::stream_protocol::endpoint(question_.path);
    }
    return asio::ip::tcp::endpoint(asio::ip::make_address_v4(question_.address), question_.port);
  }

  void on_connected() {
    connected_ = true;
    if (question_.text.empty()) {
      question_.greeted ? read() : finish();
      return;
    }
    asio::async_write(socket_, asio::buffer(question_.text),
                      [me = shared_from_this()](ErrorCode e, std::size_t) {
                        if (me->alive(e)) {
                          me->read();
                        }
                      });
  }

  void read() {
    socket_.async_read_some(
        asio::buffer(chunk_),
        [me = shared_from_this()](ErrorCode e, std::size_t bytes) { me->on_read(e, bytes); });
  }

  void on_read(ErrorCode e, std::size_t bytes) {
    const bool ended = e == asio::error::eof && !question_.whole && !text_.empty();
    if (ended && done_) {
      finish();
      return;
    }
    if (!alive(e)) {
      return;
    }
    text_.append(chunk_.data(), bytes);
    if (text_.size() > max_answer_bytes) {
      finish(Silence::broken, fmt::format("answered more than {} bytes", max_answer_bytes));
    } else if (question_.whole && question_.whole(text_)) {
      finish();
    } else {
      read();
    }
  }

  /// False when it is over, or is over now because of `e`.
  bool alive(ErrorCode e) {
    if (done_ && e) {
      finish(silence(e), e == asio::error::eof ? "was closed without an answer" : e.message());
    }
    return done_ != nullptr;
  }

  [[nodiscard]] Duration elapsed() const { return std::chrono::steady_clock::now() - started_; }

  void finish() { finish(Said{std::move(text_), elapsed()}); }

  void finish(Silence why, const std::string& words) {
    const auto to = unix_path() ? question_.path
                                : fmt::format("{}:{} from {}", question_.address, question_.port,
                                              question_.host);
    finish(NoAnswer{
        why, fmt::format("{} {}: {} after {:.1f} ms", connected_ ? "request to" : "connect to", to,
                         words, to_ms(elapsed()))});
  }

  void finish(const boost::system::result<Said, NoAnswer>& result) {
    if (auto done = std::exchange(done_, nullptr)) {
      timer_.cancel();
      done(result, *this);
      ErrorCode ignored;
      socket_.close(ignored);
    }
  }

  asio::io_context& io_;
  const Question question_;
  Done done_;  // empty once called
  asio::basic_stream_socket<stream_protocol> socket_;
  asio::steady_timer timer_;
  std::array<char, 8192> chunk_{};
  std::string text_;
  bool connected_ = false;
  const Instant started_ = std::chrono::steady_clock::now();
};

void converse(asio::io_context& io, const Question& question, Conversation::Done done) {
  std::make_shared<Conversation>(io, question, std::move(done))->begin();
}

}  // namespace

Result<> was_asked(const Heard& heard) {
  if (heard || heard.error().why != Silence::not_asked) {
    return {};
  }
  return Error{ErrorKind::io, "nothing could be asked: " + heard.error().words};
}

void ask(asio::io_context& io, const Question& question, std::function<void(Heard)> done) {
  converse(io, question,
           [done = std::move(done)](const Heard& heard, Conversation&) { done(heard); });
}

void dial(asio::io_context& io, const Question& question,
          std::function<void(boost::system::result<int, NoAnswer>)> done) {
  converse(io, question, [done = std::move(done)](const Heard& heard, Conversation& conversation) {
    if (!heard) {
      done(heard.error());
    } else {
      done(conversation.take_socket());
    }
  });
}

}  // namespace faultline::lab
