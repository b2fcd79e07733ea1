#include "targets/lab/services/sql.hpp"

#include <algorithm>
#include <array>
#include <mariadb/errmsg.h>
#include <mariadb/mysql.h>
#include <mariadb/mysqld_error.h>
#include <poll.h>
#include <sys/socket.h>

namespace faultline::services {
namespace {

SqlError error_of(unsigned code) {
  switch (code) {
    case 0:
      return SqlError::none;
    case ER_OPTION_PREVENTS_STATEMENT:
    case ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION:
    case ER_READ_ONLY_MODE:
      return SqlError::read_only;
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
    case ER_CON_COUNT_ERROR:
      return SqlError::refused;
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_LOST:
    case ER_SERVER_SHUTDOWN:
    case ER_CONNECTION_KILLED:
    case ER_LOCK_WAIT_TIMEOUT:
    case ER_LOCK_DEADLOCK:
      return SqlError::closed;
    default:
      return SqlError::other;
  }
}

/// Carries an operation of the library's non-blocking interface to its end; false when the deadline
/// came first. `step` is given what happened and returns what it waits for, 0 at the end.
template <class Step>
bool drive(MYSQL* mysql, Instant deadline, int waits_for, const Step& step) {
  while (waits_for != 0) {
    using namespace std::chrono;
    const auto left = ceil<milliseconds>(deadline - Instant(steady_clock::now()));
    const short events = static_cast<short>(((waits_for & MYSQL_WAIT_READ) != 0 ? POLLIN : 0) |
                                            ((waits_for & MYSQL_WAIT_WRITE) != 0 ? POLLOUT : 0) |
                                            ((waits_for & MYSQL_WAIT_EXCEPT) != 0 ? POLLPRI : 0));
    pollfd watched{mysql_get_socket(mysql), events, 0};
    const int ready =
        ::poll(&watched, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (ready == 0) {
      return false;
    }
    if (ready > 0) {
      int happened = (watched.revents & (POLLIN | POLLHUP | POLLERR)) != 0 ? MYSQL_WAIT_READ : 0;
      happened |= (watched.revents & (POLLOUT | POLLERR)) != 0 ? MYSQL_WAIT_WRITE : 0;
      happened |= (watched.revents & POLLPRI) != 0 ? MYSQL_WAIT_EXCEPT : 0;
      waits_for = step(happened & (waits_for | MYSQL_WAIT_READ));
    }
  }
  return true;
}

}  // namespace

std::string_view to_string(SqlError error) {
  constexpr std::array<std::string_view, 7> names{"none",   "busy",      "refused", "timeout",
                                                  "closed", "read_only", "other"};
  return names.at(static_cast<std::size_t>(error));
}

std::string_view in_words(SqlError error) {
  constexpr std::array<std::string_view, 7> words{"done",
                                                  "all connections are in use",
                                                  "no connection",
                                                  "no answer in time",
                                                  "connection lost",
                                                  "read only",
                                                  "refused by the database"};
  return words.at(static_cast<std::size_t>(error));
}

bool passes(SqlError error) {
  return error != SqlError::none && error != SqlError::other;
}

std::string sql_text(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') {
      quoted += '\\';
    }
    quoted += c;
  }
  return quoted + "'";
}

void SqlConnection::Close::operator()(st_mysql* mysql) const {
  // A goodbye to a server that hangs must not wait for it.
  if (const auto socket = mysql_get_socket(mysql); socket != -1) {
    ::shutdown(socket, SHUT_RDWR);
  }
  mysql_close(mysql);
}

SqlConnection::SqlConnection(const net::Endpoint& endpoint, const SqlUser& user, Instant deadline)
    : mysql_(mysql_init(nullptr)) {
  mysql_options(mysql_.get(), MYSQL_OPT_NONBLOCK, nullptr);
  MYSQL* done = nullptr;
  const int first = mysql_real_connect_start(&done, mysql_.get(), endpoint.address.c_str(),
                                             user.name.c_str(), user.password.c_str(),
                                             user.schema.c_str(), endpoint.port, nullptr, 0);
  const bool in_time = drive(mysql_.get(), deadline, first, [&](int happened) {
    return mysql_real_connect_cont(&done, mysql_.get(), happened);
  });
  if (!in_time) {
    failure_ = {SqlError::refused, "no connection to " + to_string(endpoint) + " in time", {}};
    mysql_.reset();
  } else if (done == nullptr) {
    // Whatever was said: there was no statement yet. A balancer without a server just closes.
    const SqlError error = error_of(mysql_errno(mysql_.get()));
    failure_ = {passes(error) ? SqlError::refused : error, mysql_error(mysql_.get()), {}};
    mysql_.reset();
  }
}

SqlReply SqlConnection::failed(SqlError error) {
  failure_ = {error, mysql_error(mysql_.get()), {}};
  if (error == SqlError::timeout || error == SqlError::closed) {
    mysql_.reset();
  }
  return failure_;
}

SqlReply SqlConnection::query(const std::string& statement, Instant deadline) {
  if (!usable()) {
    return failure_;
  }
  int result = 0;
  const int first =
      mysql_real_query_start(&result, mysql_.get(), statement.data(), statement.size());
  const bool in_time = drive(mysql_.get(), deadline, first, [&](int happened) {
    return mysql_real_query_cont(&result, mysql_.get(), happened);
  });
  if (!in_time) {
    return failed(SqlError::timeout);
  }
  return result == 0 ? rows(deadline) : failed(error_of(mysql_errno(mysql_.get())));
}

SqlReply SqlConnection::rows(Instant deadline) {
  if (mysql_field_count(mysql_.get()) == 0) {
    return {};
  }
  MYSQL_RES* raw = nullptr;
  const int first = mysql_store_result_start(&raw, mysql_.get());
  const bool in_time = drive(mysql_.get(), deadline, first, [&](int happened) {
    return mysql_store_result_cont(&raw, mysql_.get(), happened);
  });
  if (!in_time || raw == nullptr) {
    return failed(in_time ? error_of(mysql_errno(mysql_.get())) : SqlError::timeout);
  }
  const std::unique_ptr<MYSQL_RES, decltype(&mysql_free_result)> set(raw, &mysql_free_result);
  SqlReply reply;
  const unsigned columns = mysql_num_fields(raw);
  while (const MYSQL_ROW row = mysql_fetch_row(raw)) {
    const unsigned long* lengths = mysql_fetch_lengths(raw);
    auto& values = reply.rows.emplace_back();
    for (unsigned i = 0; i < columns; ++i) {
      values.emplace_back(row[i] == nullptr ? "" : std::string(row[i], lengths[i]));
    }
  }
  return reply;
}

}  // namespace faultline::services
