#pragma once

#include "targets/clock.hpp"
#include "targets/error.hpp"
#include "targets/net/endpoint.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

struct st_mysql;

namespace faultline::database {

/// A connection to a server as the manager, with limits in milliseconds: whatever happens to the
/// server or the network, every call returns in time. Not thread-safe. Call `mysql_library_init`
/// once before the first thread.
class Session {
 public:
  /// Column name to value; NULL is "".
  using Row = std::map<std::string, std::string>;

  static Result<Session> connect(const net::Endpoint& to, Duration limit);

  Session(Session&& other) noexcept;
  Session& operator=(Session&& other) noexcept;
  ~Session();

  /// One statement, the rows of its answer. After an error `timeout` the session is of no use, and
  /// the statement may go on in the server.
  Result<std::vector<Row>> query(const std::string& sql, Duration limit);

 private:
  explicit Session(st_mysql* handle) : handle_(handle) {}
  Result<> ask(const std::string& sql, Instant deadline);
  [[nodiscard]] Error error(const std::string& doing, Instant deadline) const;

  st_mysql* handle_ = nullptr;
};

}  // namespace faultline::database
