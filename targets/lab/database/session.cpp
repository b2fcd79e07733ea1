#include "targets/lab/database/session.hpp"

#include "targets/lab/database/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mysql.h>
#include <poll.h>
#include <sys/socket.h>

namespace faultline::database {
namespace {

constexpr int steps_to_unwind = 20;  ///< after a deadline the library needs one or two

Instant now() {
  return std::chrono::steady_clock::now();
}

/// Waits for what the library waits for: the events that came, as it wants them told.
int wait_for(MYSQL* handle, int wanted, Instant deadline) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now()).count();
  bool ours = true;  // the deadline that ends first
  if ((wanted & MYSQL_WAIT_TIMEOUT) != 0) {
    const auto library = static_cast<long>(mysql_get_timeout_value_ms(handle));
    ours = left <= library;
    left = std::min(left, library);
  }
  pollfd events{mysql_get_socket(handle), 0, 0};
  events.events |= (wanted & MYSQL_WAIT_READ) != 0 ? POLLIN : 0;
  events.events |= (wanted & MYSQL_WAIT_WRITE) != 0 ? POLLOUT : 0;
  events.events |= (wanted & MYSQL_WAIT_EXCEPT) != 0 ? POLLPRI : 0;
  if (left <= 0 || ::poll(&events, 1, static_cast<int>(left)) <= 0) {
    if (ours || left <= 0) {
      ::shutdown(events.fd, SHUT_RDWR);  // nobody may use it again
    }
    return MYSQL_WAIT_TIMEOUT;
  }
  int came = 0;
  came |= (events.revents & (POLLIN | POLLHUP | POLLERR)) != 0 ? MYSQL_WAIT_READ : 0;
  came |= (events.revents & (POLLOUT | POLLERR)) != 0 ? MYSQL_WAIT_WRITE : 0;
  came |= (events.revents & POLLPRI) != 0 ? MYSQL_WAIT_EXCEPT : 0;
  return came & wanted;
}

/// Runs one of the library's `_start` and `_cont` pairs to its end or the deadline.
template <class Start, class Continue>
void run(MYSQL* handle, Instant deadline, Start start, Continue proceed) {
  int wanted = start();
  int late = 0;
  while (wanted != 0 && late < steps_to_unwind) {
    late += now() >= deadline ? 1 : 0;
    wanted = proceed(wait_for(handle, wanted, deadline));
  }
}

}  // namespace

Result<Session> Session::connect(const net::Endpoint& to, Duration limit) {
  MYSQL* handle = mysql_init(nullptr);
  if (handle == nullptr) {
    return Error{ErrorKind::io, "no memory for a connection"};
  }
  mysql_options(handle, MYSQL_OPT_NONBLOCK, nullptr);
  // In whole seconds, behind our own limit.
  unsigned seconds = static_cast<unsigned>(std::chrono::ceil<std::chrono::seconds>(limit).count());
  mysql_options(handle, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
  Session session(handle);
  const auto deadline = now() + limit;
  const std::string user(manager_user), word(password);
  MYSQL* connected = nullptr;
  run(
      handle, deadline,
      [&] {
        return mysql_real_connect_start(&connected, handle, to.address.c_str(), user.c_str(),
                                        word.c_str(), nullptr, to.port, nullptr, 0);
      },
      [&](int came) { return mysql_real_connect_cont(&connected, handle, came); });
  if (connected == nullptr) {
    return session.error("connecting to " + net::to_string(to), deadline);
  }
  return session;
}

Session::Session(Session&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}

Session& Session::operator=(Session&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

Session::~Session() {
  if (handle_ != nullptr) {
    mysql_close(handle_);
  }
}

Error Session::error(const std::string& doing, Instant deadline) const {
  if (now() >= deadline) {
    return {ErrorKind::timeout, doing + ": no answer in time"};
  }
  return {ErrorKind::io,
          fmt::format("{}: {} ({})", doing, mysql_error(handle_), mysql_errno(handle_))};
}

Result<> Session::ask(const std::string& sql, Instant deadline) {
  int failed = 1;
  run(
      handle_, deadline,
      [&] { return mysql_real_query_start(&failed, handle_, sql.data(), sql.size()); },
      [&](int came) { return mysql_real_query_cont(&failed, handle_, came); });
  return failed == 0 ? Result<>{} : error(sql, deadline);
}

Result<std::vector<Session::Row>> Session::query(const std::string& sql, Duration limit) {
  const auto deadline = now() + limit;
  if (auto asked = ask(sql, deadline); !asked) {
    return asked.error();
  }
  MYSQL_RES* answer = nullptr;
  run(
      handle_, deadline, [&] { return mysql_store_result_start(&answer, handle_); },
      [&](int came) { return mysql_store_result_cont(&answer, handle_, came); });
  std::vector<Row> rows;
  if (answer == nullptr) {
    return mysql_errno(handle_) == 0 ? Result<std::vector<Row>>(rows) : error(sql, deadline);
  }
  const auto columns = mysql_num_fields(answer);
  const MYSQL_FIELD* fields = mysql_fetch_fields(answer);
  while (MYSQL_ROW raw = mysql_fetch_row(answer)) {
    Row row;
    for (unsigned i = 0; i < columns; ++i) {
      row[fields[i].name] = raw[i] == nullptr ? "" : raw[i];
    }
    rows.push_back(std::move(row));
  }
  mysql_free_result(answer);
  return rows;
}

}  // namespace faultline::database
