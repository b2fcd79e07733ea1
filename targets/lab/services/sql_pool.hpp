#pragma once

#include "targets/lab/services/sql.hpp"
#include "targets/sql/connection.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>

namespace faultline::services {

/// Connections to one endpoint of the database. When one of them breaks, the idle ones are dropped:
/// they lead to the same server. Thread-safe.
class SqlPool {
 public:
  struct Figures {
    int in_use = 0;
    int idle = 0;
    int limit = 0;
    std::uint64_t opened = 0;
    std::uint64_t timed_out = 0;  ///< callers that found no free connection in time
  };

  SqlPool(net::Endpoint endpoint, sql::Login user, int limit)
      : endpoint_(std::move(endpoint)), user_(std::move(user)), limit_(limit) {}

  /// One statement, within `timeout`, waiting for a connection included.
  SqlReply query(const std::string& statement, Duration timeout);
  [[nodiscard]] Figures figures() const;

 private:
  bool enter(Instant deadline, std::optional<sql::Connection>& idle);
  void leave(std::optional<sql::Connection> connection);

  const net::Endpoint endpoint_;
  const sql::Login user_;
  const int limit_;
  mutable std::mutex mutex_;
  std::condition_variable free_;
  std::vector<sql::Connection> idle_;
  Figures figures_;
};

}  // namespace faultline::services
