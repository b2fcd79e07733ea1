#include "orchestrator/load/sql_error.hpp"

#include "orchestrator/load/network_error.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <mysqld_error.h>
#include <regex>

namespace faultline::load {
namespace {

/// The client library's own numbers: errmsg.h.
bool is_of_the_library(int number) {
  return (number >= 2000 && number < 3000) || (number >= 5000 && number < 6000);
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

std::string network_class(int error, bool connecting) {
  constexpr std::array known{ECONNREFUSED, ECONNRESET,  EPIPE,         ECONNABORTED, ETIMEDOUT,
                             EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL, EMFILE};
  if (std::ranges::find(known, error) == known.end()) {
    return "closed early";  // the library's word for it: "Lost connection to server"
  }
  return error_class({error, boost::system::system_category()}, connecting);
}

}  // namespace

std::string sql_error_class(int number, const std::string& text, bool connecting) {
  if (is_of_the_library(number) || number == 0) {
    return network_class(system_error_in(text), connecting);
  }
  switch (number) {
    case ER_OPTION_PREVENTS_STATEMENT:
    case ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION:
    case ER_READ_ONLY_MODE:
      return "read only";
    case ER_ACCESS_DENIED_ERROR:
    case ER_DBACCESS_DENIED_ERROR:
    case ER_TABLEACCESS_DENIED_ERROR:
      return "access denied";
    case ER_CON_COUNT_ERROR:
    case ER_TOO_MANY_USER_CONNECTIONS:
      return "too many connections";
    case ER_SERVER_SHUTDOWN:
    case ER_CONNECTION_KILLED:
      return "server shutting down";
    default:
      return "sql error " + std::to_string(number);
  }
}

bool is_the_servers_word(int number) {
  return number != 0 && !is_of_the_library(number) && number != ER_SERVER_SHUTDOWN &&
         number != ER_CONNECTION_KILLED && number != ER_QUERY_INTERRUPTED;
}

}  // namespace faultline::load
