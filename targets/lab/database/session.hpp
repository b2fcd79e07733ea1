#pragma once

#include "targets/sql/connection.hpp"

#include <map>
#include <string>
#include <vector>

namespace faultline::database {

/// A connection to a server as the manager, with a limit for every call. Not thread-safe.
class Session {
 public:
  /// Column name to value; NULL is "".
  using Row = std::map<std::string, std::string>;

  /// Errors: `timeout`, or `io` with what the server or the library says.
  static Result<Session> connect(const net::Endpoint& to, Duration limit);

  /// One statement, the rows of its answer. After an error `timeout` the session is of no use, and
  /// the statement may go on in the server.
  Result<std::vector<Row>> query(const std::string& sql, Duration limit);

 private:
  explicit Session(sql::Connection connection) : connection_(std::move(connection)) {}

  sql::Connection connection_;
};

}  // namespace faultline::database
