// Kind http: HTTP/1.1 over a pool of kept-alive connections.
#include "orchestrator/load/network_error.hpp"
#include "orchestrator/load/place.hpp"
#include "orchestrator/load/source.hpp"
#include "orchestrator/load/status_classes.hpp"
#include "orchestrator/load/template.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include <deque>
#include <optional>

namespace faultline::load {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using Stream = beast::tcp_stream;
using HttpRequest = http::request<http::string_body>;

/// A stalled service gets so many connections; further requests wait, and their wait counts.
constexpr std::size_t max_connections = 512;
/// A page is smaller; a body without end must not fill the memory.
constexpr std::uint64_t max_body_bytes = 1u << 20;

Instant now() {
  return std::chrono::steady_clock::now();
}

/// The args of the kind.
struct Page {
  Endpoint to;
  std::string host;
  http::verb method = http::verb::get;
  Template path, body;
  std::vector<std::pair<std::string, std::string>> headers;
  unsigned expect_status = 200;
};

/// False when the server has closed it, or sent what nobody asked for, since its last answer.
bool still_usable(Stream& stream) {
  char byte = 0;
  const auto got = ::recv(stream.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/// Connections at rest, and the requests that wait for one.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(boost::asio::io_context& io, Page page, std::uint64_t seed)
      : io_(io),
        page_(std::move(page)),
        random_(seed),
        unique_prefix_(unique_prefix(seed, std::chrono::system_clock::now())),
        queue_timer_(io) {}

  void send(Request request);
  /// A connection is free again, or gone when null.
  void give_back(std::unique_ptr<Stream> stream);
  [[nodiscard]] const Page& page() const { return page_; }
  HttpRequest render(std::uint64_t number);
  std::string status_class(unsigned status, const std::string& body) {
    return statuses_.name(status, body);
  }

 private:
  void begin(Request request);
  void watch_queue();

  boost::asio::io_context& io_;
  Page page_;
  std::mt19937_64 random_;
  std::string unique_prefix_;
  StatusClasses statuses_;
  std::vector<std::unique_ptr<Stream>> idle_;
  std::size_t in_use_ = 0;
  std::deque<Request> queue_;
  boost::asio::steady_timer queue_timer_;
};

/// One request on one connection, from connecting to the end of the answer.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(std::shared_ptr<Pool> pool, Request request, std::unique_ptr<Stream> stream)
      : pool_(std::move(pool)),
        request_(std::move(request)),
        stream_(std::move(stream)),
        message_(pool_->render(request_.number)) {
    parser_.body_limit(max_body_bytes);
    parser_.skip(pool_->page().method == http::verb::head);
  }

  void begin() {
    sent_ = now();
    stream_->expires_at(request_.deadline);
    if (stream_->socket().is_open()) {
      write();
      return;
    }
    stream_->async_connect(
        pool_->page().to,
        [self = shared_from_this()](boost::system::error_code error) { self->connected(error); });
  }

 private:
  void connected(boost::system::error_code error) {
    if (error) {
      fail(error_class(error, true));
      return;
    }
    stream_->socket().set_option(boost::asio::ip::tcp::no_delay(true), error);
    write();
  }

  void write() {
    http::async_write(*stream_, message_,
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                        // Whoever refuses a request may close before reading it: look at the
                        // answer.
                        if (error && error_class(error, false) != "reset") {
                          self->fail(error_class(error, false));
                        } else {
                          self->read();
                        }
                      });
  }

  void read() {
    http::async_read(*stream_, buffer_, parser_,
                     [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                       if (error) {
                         self->fail(error_class(error, false));
                       } else {
                         self->succeed();
                       }
                     });
  }

  void succeed() {
    const auto& answer = parser_.get();
    Outcome outcome{slo::Class::good, "", sent_};
    if (answer.result_int() != pool_->page().expect_status) {
      outcome = failed(pool_->status_class(answer.result_int(), answer.body()), sent_);
    } else if (answer.find("X-Degraded") != answer.end()) {
      outcome.result = slo::Class::degraded;
    }
    const bool reusable = parser_.keep_alive() && buffer_.size() == 0;
    stream_->expires_never();
    request_.done(std::move(outcome));
    pool_->give_back(reusable ? std::move(stream_) : nullptr);
  }

  void fail(std::string error) {
    stream_.reset();
    request_.done(failed(std::move(error), sent_));
    pool_->give_back(nullptr);
  }

  std::shared_ptr<Pool> pool_;
  Request request_;
  std::unique_ptr<Stream> stream_;
  HttpRequest message_;
  beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
  Instant sent_;
};

HttpRequest Pool::render(std::uint64_t number) {
  const auto draw = draw_for(number, random_, unique_prefix_);
  HttpRequest message(page_.method, page_.path.render(draw), 11);
  message.set(http::field::host, page_.host);
  message.set(http::field::user_agent, "faultline");
  for (const auto& [name, value] : page_.headers) {
    message.set(name, value);
  }
  message.body() = page_.body.render(draw);
  message.prepare_payload();
  return message;
}

void Pool::send(Request request) {
  if (in_use_ < max_connections) {
    begin(std::move(request));
    return;
  }
  queue_.push_back(std::move(request));
  if (queue_.size() == 1) {
    watch_queue();
  }
}

void Pool::begin(Request request) {
  ++in_use_;
  std::unique_ptr<Stream> stream;
  while (!stream && !idle_.empty()) {
    stream = std::move(idle_.back());
    idle_.pop_back();
    if (!still_usable(*stream)) {
      stream.reset();
    }
  }
  if (!stream) {
    stream = std::make_unique<Stream>(io_);
  }
  std::make_shared<Exchange>(shared_from_this(), std::move(request), std::move(stream))->begin();
}

void Pool::give_back(std::unique_ptr<Stream> stream) {
  --in_use_;
  if (stream) {
    idle_.push_back(std::move(stream));
  }
  if (!queue_.empty()) {
    auto next = std::move(queue_.front());
    queue_.pop_front();
    begin(std::move(next));
  }
}

/// Gives up the requests whose deadline passes in the queue; the oldest is in front.
void Pool::watch_queue() {
  while (!queue_.empty() && queue_.front().deadline <= now()) {
    queue_.front().done(failed("deadline", now()));
    queue_.pop_front();
  }
  if (queue_.empty()) {
    return;
  }
  queue_timer_.expires_at(queue_.front().deadline);
  queue_timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) {
      self->watch_queue();
    }
  });
}

Result<Template> parse_template(const Spec& spec, const char* field, const std::string& text) {
  auto parsed = Template::parse(text);
  if (!parsed) {
    return Error{ErrorKind::usage,
                 fmt::format("{}: '{}': {}", where(spec), field, parsed.error().message)};
  }
  return parsed;
}

Result<Page> parse_page(const Spec& spec) {
  Fields args(spec.args, where(spec));
  Page page;
  const auto host = args.text("host");
  const auto port = args.number("port", 1, 65'535, 80);
  page.method = http::string_to_verb(args.text("method", "GET"));
  const auto path = args.text("path", "/");
  const auto body = args.text("body", "");
  page.headers = args.pairs("headers");
  page.expect_status = static_cast<unsigned>(args.number("expect_status", 100, 599, 200));
  page.host = fmt::format("{}:{}", host, port);
  if (page.method == http::verb::unknown) {
    args.wrong("'method' must be an HTTP method in capitals, such as GET or POST");
  }
  if (!path.starts_with('/')) {
    args.wrong("'path' must begin with '/', found '" + path + "'");
  }
  if (const auto done = args.done(); !done) {
    return done.error();
  }
  auto path_template = parse_template(spec, "path", path);
  auto body_template = parse_template(spec, "body", body);
  const auto to = destination(host, port);
  if (!path_template || !body_template) {
    return path_template ? body_template.error() : path_template.error();
  }
  if (!to) {
    return to.error();
  }
  page.path = std::move(*path_template);
  page.body = std::move(*body_template);
  page.to = *to;
  return page;
}

}  // namespace

Result<Source> make_http(boost::asio::io_context& io, const Spec& spec) {
  auto page = parse_page(spec);
  if (!page) {
    return page.error();
  }
  const auto pool = std::make_shared<Pool>(io, std::move(*page), spec.seed);
  return Source{{}, [pool](Request request) { pool->send(std::move(request)); }, {}};
}

}  // namespace faultline::load
