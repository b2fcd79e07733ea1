#pragma once

#include "targets/sql/answer.hpp"

#include <string>
#include <string_view>
#include <vector>

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
SqlReply reply_of(sql::Answer answer);

}  // namespace faultline::services
