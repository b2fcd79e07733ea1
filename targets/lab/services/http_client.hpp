#pragma once

#include "targets/clock.hpp"
#include "targets/lab/services/limits.hpp"
#include "targets/net/endpoint.hpp"
#include "targets/net/fd.hpp"

#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace faultline::services {

/// How a call ended without an answer, by what the caller may conclude from it.
enum class CallError {
  none,
  connect_timeout,  ///< no connection in time: nothing was done
  refused,          ///< no connection, said at once: nothing was done
  timeout,          ///< no whole answer in time: it may have been done
  closed,           ///< the connection ended before the answer: it may have been done
};
/// "connect timed out", "connection refused": for people.
std::string_view in_words(CallError error);
/// "connect_timeout", "refused": for labels.
std::string_view to_string(CallError error);

struct CallReply {
  CallError error = CallError::none;
  int status = 0;
  std::string body;

  [[nodiscard]] bool answered() const { return error == CallError::none; }
};

struct Call {
  std::string_view method = "GET";
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
};

/// How long a call may take. `Instant::max()`: as long as it takes, and a connect as long as the
/// kernel tries.
struct CallLimits {
  Instant connect = Instant::max();
  Instant answer = Instant::max();  ///< to the last byte, so that a slow body is no way around
};

/// HTTP/1.1 calls to one endpoint, blocking. Thread-safe.
class HttpClient {
 public:
  struct Figures {
    int in_use = 0;
    int idle = 0;
    std::uint64_t opened = 0;
  };

  /// With `retries`, connections are kept alive, and a call on a kept one that turns out to be
  /// closed is made again on a new one, if the budget allows it: such calls must be idempotent.
  /// Without, each call has a connection of its own.
  HttpClient(net::Endpoint endpoint, RetryBudget* retries)
      : endpoint_(std::move(endpoint)), retries_(retries) {}

  CallReply call(const Call& call, const CallLimits& limits);
  [[nodiscard]] Figures figures() const;

 private:
  CallReply on_new(const std::string& request, const CallLimits& limits);
  CallReply exchange(net::Fd socket, const std::string& request, Instant deadline);
  net::Fd take();
  void put_back(net::Fd socket);

  const net::Endpoint endpoint_;
  RetryBudget* const retries_;
  mutable std::mutex mutex_;
  std::vector<net::Fd> idle_;
  Figures figures_;
};

}  // namespace faultline::services
