#include "targets/lab/services/node.hpp"

#include <fmt/format.h>
#include <httplib.h>

#include <charconv>

namespace faultline::services {
namespace {

using namespace std::chrono_literals;

/// Threads are enough for 64 held writes, 24 payments in flight and as many other requests at once.
/// And few enough that callers who wait for a third party without a limit are seen to use them up:
/// 10 checkouts a second that each take 30 s have them all after some 12 s, and reads of the
/// catalogue wait, too.
constexpr http::Size size{.threads = 128, .backlog = 512, .requests_per_connection = 1000};
constexpr Duration drain = 1500ms;  ///< held writes give up then, to be answered within 2 s
constexpr int max_deadline_ms = 60'000;

std::string_view class_of(const Answer& answer) {
  return answer.status >= 500       ? "bad"
         : answer.status >= 400     ? "rejected"
         : !answer.degraded.empty() ? "degraded"
                                    : "good";
}

}  // namespace

Instant deadline_of(std::string_view header, Instant arrival, std::chrono::milliseconds usual) {
  int ms = 0;
  const auto [end, code] = std::from_chars(header.data(), header.data() + header.size(), ms);
  const bool valid = code == std::errc{} && end == header.data() + header.size() && ms >= 1 &&
                     ms <= max_deadline_ms;
  return arrival + (valid ? std::chrono::milliseconds(ms) : usual);
}

Node::Node(Parts parts) : parts_(std::move(parts)), server_(size) {
  add_routes();
  add_own_routes();
}

Node::~Node() {
  stop();
}

Result<> Node::start() {
  return server_.start(parts_.flags.listen);
}

void Node::stop() {
  parts_.hold.close(Instant(std::chrono::steady_clock::now()) + drain);
  server_.stop();
}

Instant Node::deadline(const httplib::Request& request) const {
  return deadline_of(request.get_header_value("X-Deadline-Ms"),
                     Instant(std::chrono::steady_clock::now()), parts_.flags.client_deadline);
}

void Node::add_routes() {
  server_.post("/login", counted("auth", [this](const httplib::Request& request) {
                 return parts_.auth.login(request.body, deadline(request));
               }));
  server_.get(R"(/session/([^/]+))", counted("auth", [this](const httplib::Request& request) {
                return parts_.auth.session(request.matches[1], request.get_param_value("tenant"));
              }));
  server_.get(R"(/catalog/([^/]+))", counted("catalog", [this](const httplib::Request& request) {
                return parts_.catalog.product(request.get_param_value("tenant"),
                                              request.matches[1]);
              }));
  server_.post("/checkout", counted("billing", [this](const httplib::Request& request) {
                 return parts_.billing.checkout(request.body, deadline(request));
               }));
}

void Node::add_own_routes() {
  server_.get("/health", [this](const auto&) {
    const bool leaving = parts_.leaving();
    return http::Answer{leaving ? 503 : 200, fmt::format(R"({{"node":"{}"{}}})", parts_.flags.node,
                                                         leaving ? R"(,"leaving":true)" : "")};
  });
  server_.get("/metrics", [this](const auto&) { return http::Answer{200, parts_.metrics.text()}; });
}

http::Handle Node::counted(std::string role, Handler handler) {
  return [this, role = std::move(role),
          handler = std::move(handler)](const httplib::Request& request) {
    const Answer answer = handler(request);
    parts_.metrics.count(
        fmt::format(R"(requests_total{{role="{}",class="{}"}})", role, class_of(answer)));
    if (answer.status >= 500) {
      parts_.log.say(role, answer.body);
    }
    http::Answer out{answer.status, answer.body, {{"X-Node", parts_.flags.node}}};
    if (!answer.degraded.empty()) {
      out.headers.emplace_back("X-Degraded", answer.degraded);
    }
    return out;
  };
}

}  // namespace faultline::services
