#pragma once

#include "targets/clock.hpp"
#include "targets/error.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace faultline::web {

struct Request {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::optional<std::string> form{};         ///< is POSTed; none: GET
  Duration limit = std::chrono::seconds(5);  ///< from `send` to the last byte
};

struct Response {
  int status = 0;
  std::string content_type, body;
};

/// Bytes of one answer's body, and of its headers; more is refused. One figure over the 11,000
/// points that Prometheus answers at most takes 0.4 MB.
constexpr std::size_t max_body_bytes = 4u << 20;
constexpr std::size_t max_header_bytes = 64u << 10;
/// Requests that have not ended; one more is refused. Thirty objectives ask sixty.
constexpr std::size_t max_requests = 128;

/// HTTP requests, run by libcurl on a thread of their own. Answers are posted to the executor,
/// never from inside `send`; the client is used and destroyed on the executor's thread.
class Client {
 public:
  using Then = std::function<void(Result<Response>)>;

  /// `allowed`: IP addresses to which requests may go besides loopback. Throws Failure
  /// `unsupported` when this libcurl cannot be used beside other threads.
  explicit Client(boost::asio::any_io_executor executor, std::vector<std::string> allowed = {});
  /// What has not ended is cut off; nothing is called afterwards.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Any answer with a status is a Response, redirects included: they are not followed. Errors:
  /// those of `checked_url`; `refused` for an answer or a number of requests beyond its limit;
  /// `timeout`; `io` when nobody listens, or in libcurl's words what was no answer.
  void send(const Request& request, Then then);

 private:
  class Loop;
  boost::asio::any_io_executor executor_;
  std::vector<std::string> allowed_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<Loop> loop_;
};

}  // namespace faultline::web
