#include "targets/lab/services/node.hpp"

#include <fmt/format.h>
#include <httplib.h>

#include <charconv>
#include <sys/socket.h>

namespace faultline::services {
namespace {

using namespace std::chrono_literals;

/// Enough for 64 held writes, 24 payments in flight and as many other requests at once. And few
/// enough that callers who wait for a third party without a limit are seen to use them up: 10
/// checkouts a second that each take 30 s have them all after some 12 s, and reads of the catalogue
/// wait, too.
constexpr std::size_t threads = 128;
constexpr std::size_t max_body = 16 * 1024;  ///< a login is 60 bytes
constexpr int backlog = 512;                 ///< connections that come while all cores are busy
constexpr auto slow_client = 2s;    ///< a request or an answer that stalls so long is dropped
constexpr time_t keep_alive_s = 1;  ///< a connection holds a thread: idle ones are let go
constexpr std::size_t keep_alive_requests = 1000;
constexpr Duration drain = 1500ms;  ///< held writes give up then, to be answered within 2 s
constexpr int max_deadline_ms = 60'000;

std::string_view class_of(const Answer& answer) {
  return answer.status >= 500       ? "bad"
         : answer.status >= 400     ? "rejected"
         : !answer.degraded.empty() ? "degraded"
                                    : "good";
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

Node::Node(Parts parts) : parts_(std::move(parts)), server_(std::make_unique<httplib::Server>()) {
  add_routes();
  add_own_routes();
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

Instant Node::deadline(const httplib::Request& request) const {
  return deadline_of(request.get_header_value("X-Deadline-Ms"),
                     Instant(std::chrono::steady_clock::now()), parts_.flags.client_deadline);
}

void Node::add_routes() {
  server_->Post("/login", counted("auth", [this](const httplib::Request& request) {
                  return parts_.auth.login(request.body, deadline(request));
                }));
  server_->Get(R"(/session/([^/]+))", counted("auth", [this](const httplib::Request& request) {
                 return parts_.auth.session(request.matches[1], request.get_param_value("tenant"));
               }));
  server_->Get(R"(/catalog/([^/]+))", counted("catalog", [this](const httplib::Request& request) {
                 return parts_.catalog.product(request.get_param_value("tenant"),
                                               request.matches[1]);
               }));
  server_->Post("/checkout", counted("billing", [this](const httplib::Request& request) {
                  return parts_.billing.checkout(request.body, deadline(request));
                }));
}

void Node::add_own_routes() {
  server_->Get("/health", [this](const httplib::Request&, httplib::Response& response) {
    const bool leaving = parts_.leaving();
    response.status = leaving ? 503 : 200;
    response.set_content(
        fmt::format(R"({{"node":"{}"{}}})", parts_.flags.node, leaving ? R"(,"leaving":true)" : ""),
        "application/json");
  });
  server_->Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
    response.set_content(parts_.metrics.text(), "text/plain; version=0.0.4");
  });
}

std::function<void(const httplib::Request&, httplib::Response&)> Node::counted(std::string role,
                                                                               Handler handler) {
  return [this, role = std::move(role), handler = std::move(handler)](
             const httplib::Request& request, httplib::Response& response) {
    const Answer answer = handler(request);
    parts_.metrics.count(
        fmt::format(R"(requests_total{{role="{}",class="{}"}})", role, class_of(answer)));
    if (answer.status >= 500) {
      parts_.log.say(role, answer.body);
    }
    response.status = answer.status;
    response.set_header("X-Node", parts_.flags.node);
    if (!answer.degraded.empty()) {
      response.set_header("X-Degraded", answer.degraded);
    }
    response.set_content(answer.body, "application/json");
  };
}

}  // namespace faultline::services
