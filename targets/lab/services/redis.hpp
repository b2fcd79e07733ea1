#pragma once

#include "targets/clock.hpp"
#include "targets/lab/services/flags.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct redisContext;

namespace faultline::services {

/// What went wrong with a command, by what a caller can do about it.
enum class RedisError {
  none,
  no_primary,   ///< no Sentinel has named one yet
  refused,      ///< no connection: nothing was done
  timeout,      ///< no answer in time: it may have been done
  closed,       ///< the connection ended before the answer: it may have been done
  read_only,    ///< READONLY: a replica
  no_replicas,  ///< NOREPLICAS: a primary without the replicas it needs
  loading,      ///< LOADING: not ready yet
  master_down,  ///< MASTERDOWN: a replica without its primary
  other,        ///< any other error reply, or an answer that is not Redis
};
std::string_view to_string(RedisError error);
/// Errors that a failover ends. Any other reply would be the same the next time.
bool passes(RedisError error);

struct Reply {
  RedisError error = RedisError::none;
  std::string detail;  ///< in words, when there is an error
  std::vector<std::string>
      values;  ///< one for a simple reply, none for nil, several for a list (nested ones flattened)

  [[nodiscard]] bool ok() const { return error == RedisError::none; }
};

/// A blocking connection to one Redis or Sentinel process, for one thread at a time.
class Connection {
 public:
  /// Connects within `timeout`; `failure()` says why it did not.
  Connection(const Endpoint& endpoint, Duration timeout);

  [[nodiscard]] const Reply& failure() const { return failure_; }
  /// After an error of the transport (refused, timeout, closed) the connection is of no more use:
  /// a late answer would be taken for the next one's.
  [[nodiscard]] bool usable() const { return context_ != nullptr; }
  Reply command(const std::vector<std::string>& words, Duration timeout);

 private:
  struct Free {
    void operator()(redisContext* context) const;
  };
  std::unique_ptr<redisContext, Free> context_;
  Reply failure_;
};

}  // namespace faultline::services
