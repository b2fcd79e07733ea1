#include "targets/lab/services/node.hpp"

#include <fmt/format.h>
#include <httplib.h>

#include <charconv>
#include <sys/socket.h>

namespace faultline::services {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t threads = 192;         ///< 64 held writes, as many slow reads, and traffic
constexpr std::size_t max_body = 16 * 1024;  ///< a login is 60 bytes
constexpr int backlog = 512;                 ///< connections that come while all cores are busy
constexpr auto slow_client = 2s;    ///< a request or an answer that stalls so long is dropped
constexpr time_t keep_alive_s = 1;  ///< a connection holds a thread: idle ones are let go
constexpr std::size_t keep_alive_requests = 1000;
constexpr Duration drain = 1500ms;  ///< held writes give up then, to be answered within 2 s
constexpr int max_deadline_ms = 60'000;

std::string_view class_of(int status) {
  return status < 400 ? "good" : status < 500 ? "rejected" : "bad";
}

void set_up(httplib::Server& server, int& listening) {
  server.new_task_queue = [] { return new httplib::ThreadPool(threads); };
  server.set_payload_max_length(max_body);
  server.set_read_timeout(slow_client);
  server.set_write_timeout(slow_client);
  server.set_keep_alive_timeout(keep_alive_s);
  server.set_keep_alive_max_count(keep_alive_requests);
  server.set_tcp_nodelay(true);
  server.set_socket_options([&listening](int socket) {
    // No SO_REUSEPORT, the library's default: a second node on this address must fail to start.
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    listening = socket;
  });
}

}  // namespace

Instant deadline_of(std::string_view header, Instant arrival, std::chrono::milliseconds usual) {
  int ms = 0;
  const auto [end, code] = std::from_chars(header.data(), header.data() + header.size(), ms);
  const bool valid = code == std::errc{} && end == header.data() + header.size() && ms >= 1 &&
                     ms <= max_deadline_ms;
  return arrival + (valid ? std::chrono::milliseconds(ms) : usual);
}

Node::Node(const Parts& parts) : parts_(parts), server_(std::make_unique<httplib::Server>()) {
  add_routes();
}

Node::~Node() {
  stop();
}

Result<> Node::start() {
  int listening = -1;
  set_up(*server_, listening);
  const Endpoint& at = parts_.flags.listen;
  if (!server_->bind_to_port(at.address.c_str(), at.port)) {
    return Error{ErrorKind::io, fmt::format("cannot listen on {}: is another node there, or is the "
                                            "address not this host's?",
                                            to_string(at))};
  }
  ::listen(listening, backlog);  // again: the library asks for 5, and a burst would wait for 1 s
  listener_ = std::thread([this] { server_->listen_after_bind(); });
  while (!server_->is_running()) {  // stop() before this would be lost
    std::this_thread::sleep_for(1ms);
  }
  return {};
}

void Node::stop() {
  if (!listener_.joinable()) {
    return;
  }
  parts_.hold.close(Instant(std::chrono::steady_clock::now()) + drain);
  server_->stop();
  listener_.join();
}

void Node::add_routes() {
  server_->Post("/login", counted("auth", [this](const httplib::Request& request) {
                  return parts_.auth.login(request.body,
                                           deadline_of(request.get_header_value("X-Deadline-Ms"),
                                                       Instant(std::chrono::steady_clock::now()),
                                                       parts_.flags.client_deadline));
                }));
  server_->Get(R"(/session/([^/]+))", counted("auth", [this](const httplib::Request& request) {
                 return parts_.auth.session(request.matches[1], request.get_param_value("tenant"));
               }));
  server_->Get(R"(/catalog/([^/]+))", counted("catalog", [this](const httplib::Request& request) {
                 return parts_.catalog.product(request.get_param_value("tenant"),
                                               request.matches[1]);
               }));
  server_->Get("/health", [this](const httplib::Request&, httplib::Response& response) {
    response.set_content(fmt::format(R"({{"node":"{}"}})", parts_.flags.node), "application/json");
  });
  server_->Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
    response.set_content(metrics_text(), "text/plain; version=0.0.4");
  });
}

std::function<void(const httplib::Request&, httplib::Response&)> Node::counted(std::string role,
                                                                               Handler handler) {
  return [this, role = std::move(role), handler = std::move(handler)](
             const httplib::Request& request, httplib::Response& response) {
    const Answer answer = handler(request);
    parts_.metrics.count(
        fmt::format(R"(requests_total{{role="{}",class="{}"}})", role, class_of(answer.status)));
    if (answer.status >= 500) {
      parts_.log.say(role, answer.body);
    }
    response.status = answer.status;
    response.set_header("X-Node", parts_.flags.node);
    response.set_content(answer.body, "application/json");
  };
}

std::string Node::metrics_text() const {
  std::string text;
  const auto add = [&text](std::string_view series, std::uint64_t value) {
    text += fmt::format("faultline_saas_{} {}\n", series, value);
  };
  for (const auto& [series, value] : parts_.metrics.counters()) {
    add(series, value);
  }
  const auto held = parts_.hold.figures();
  add("held_writes", static_cast<std::uint64_t>(held.now));
  add("held_writes_max", static_cast<std::uint64_t>(held.max));
  add("held_writes_limit", static_cast<std::uint64_t>(parts_.flags.hold_writes));
  add("held_writes_saved_total", held.saved);
  add("held_writes_given_up_total", held.given_up);
  add("held_writes_rejected_total", held.rejected);
  const auto primary = parts_.tracker.current();
  add(fmt::format(R"(redis_primary{{address="{}"}})", primary ? to_string(*primary) : "unknown"),
      1);
  add("sentinel_switches_total", parts_.tracker.switches());
  return text;
}

}  // namespace faultline::services
