#pragma once

#include "targets/clock.hpp"
#include "targets/net/endpoint.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct st_mysql;

namespace faultline::services {

/// What went wrong with a statement, by what a caller can do about it.
enum class SqlError {
  none,
  busy,       ///< all connections of the pool are in use: nothing was done
  refused,    ///< no connection: nothing was done
  timeout,    ///< no answer in time: it may have been done
  closed,     ///< the connection ended before the answer: it may have been done
  read_only,  ///< not the node that takes writes, or not any more
  other,      ///< the statement itself is refused
};
std::string_view to_string(SqlError error);
/// "read only", "no connection": for people, without details that differ each time.
std::string_view in_words(SqlError error);
/// Errors that a failover ends.
bool passes(SqlError error);

struct SqlReply {
  SqlError error = SqlError::none;
  std::string detail;
  std::vector<std::vector<std::string>> rows;  ///< NULL is empty

  [[nodiscard]] bool ok() const { return error == SqlError::none; }
};

struct SqlUser {
  std::string name;
  std::string password;
  std::string schema;
};

/// A connection to MariaDB for one thread at a time. The library's own timeouts are whole seconds,
/// so it is driven step by step with ours.
class SqlConnection {
 public:
  SqlConnection(const net::Endpoint& endpoint, const SqlUser& user, Instant deadline);

  [[nodiscard]] const SqlReply& failure() const { return failure_; }
  /// After an error of the transport the connection is of no more use.
  [[nodiscard]] bool usable() const { return mysql_ != nullptr; }
  SqlReply query(const std::string& statement, Instant deadline);

 private:
  struct Close {
    void operator()(st_mysql* mysql) const;
  };
  SqlReply failed(SqlError error);
  SqlReply rows(Instant deadline);

  std::unique_ptr<st_mysql, Close> mysql_;
  SqlReply failure_;
};

/// A text literal, quotes included.
std::string sql_text(std::string_view text);

}  // namespace faultline::services
