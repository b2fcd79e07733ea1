#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace faultline::sql {

/// Why a login or a statement has no answer.
struct Failure {
  enum class Kind {
    none,
    late,       ///< the deadline came first
    lost,       ///< nobody there, or the connection ended before the answer
    ending,     ///< the server, or somebody there, ends this connection
    read_only,  ///< not the node that takes writes, or not any more
    locked,     ///< another transaction held the row for too long, or both held each other's
    full,       ///< too many connections
    denied,     ///< the login may not do this
    other,      ///< the statement itself is refused
  };
  Kind kind = Kind::none;
  bool connecting = false;  ///< it was the login: no statement was ever sent
  int number = 0;           ///< the server's, or from 2000 on the library's; 0: none was given
  int system_error = 0;     ///< what the system said of a lost connection, where it said something
  std::string message;

  /// True when there is one.
  explicit operator bool() const { return kind != Kind::none; }
  /// The server said itself that it did not do it, and the connection stands. Otherwise it may have
  /// been done: a server that ends may have committed before.
  [[nodiscard]] bool surely_not_done() const;
};

/// The failure behind an error of the server or the library; `message` may name the system's error.
Failure failure_of(int number, std::string message, bool connecting);

struct Answer {
  Failure failure;
  std::vector<std::string> columns;            ///< none where a statement has no rows to tell
  std::vector<std::vector<std::string>> rows;  ///< NULL is empty
};

/// 'text' as a literal, quotes included.
std::string quoted(std::string_view text);

}  // namespace faultline::sql
