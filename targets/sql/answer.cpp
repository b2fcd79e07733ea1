#include "targets/sql/answer.hpp"

#include <mysqld_error.h>
#include <regex>

namespace faultline::sql {
namespace {

/// The client library's own numbers: errmsg.h.
bool is_of_the_library(int number) {
  return (number >= 2000 && number < 3000) || (number >= 5000 && number < 6000);
}

Failure::Kind kind_of(int number) {
  if (number == 0 || is_of_the_library(number)) {
    return Failure::Kind::lost;
  }
  switch (number) {
    case ER_OPTION_PREVENTS_STATEMENT:
    case ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION:
    case ER_READ_ONLY_MODE:
      return Failure::Kind::read_only;
    case ER_ACCESS_DENIED_ERROR:
    case ER_DBACCESS_DENIED_ERROR:
    case ER_TABLEACCESS_DENIED_ERROR:
      return Failure::Kind::denied;
    case ER_CON_COUNT_ERROR:
    case ER_TOO_MANY_USER_CONNECTIONS:
      return Failure::Kind::full;
    case ER_SERVER_SHUTDOWN:
    case ER_CONNECTION_KILLED:
      return Failure::Kind::ending;
    case ER_LOCK_WAIT_TIMEOUT:
    case ER_LOCK_DEADLOCK:
      return Failure::Kind::locked;
    default:
      return Failure::Kind::other;
  }
}

/// "Can't connect to server on '10.0.1.30' (111)" and "... system error: 104".
int system_error_in(const std::string& text) {
  static const std::regex pattern(R"(\((\d{1,4})(?: "[^"]*")?\)$|system error: (\d{1,4})\b)");
  std::smatch found;
  if (!std::regex_search(text, found, pattern)) {
    return 0;
  }
  return std::stoi(found[1].matched ? found[1].str() : found[2].str());
}

}  // namespace

bool Failure::surely_not_done() const {
  return kind != Kind::none && kind != Kind::late && kind != Kind::lost && kind != Kind::ending &&
         number != ER_QUERY_INTERRUPTED;
}

Failure failure_of(int number, std::string message, bool connecting) {
  Failure failure{kind_of(number), connecting, number, 0, std::move(message)};
  if (failure.kind == Failure::Kind::lost) {
    failure.system_error = system_error_in(failure.message);
  }
  return failure;
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  return out + "'";
}

}  // namespace faultline::sql
