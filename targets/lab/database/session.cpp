#include "targets/lab/database/session.hpp"

#include "targets/lab/database/schema.hpp"

#include <fmt/format.h>

namespace faultline::database {
namespace {

Instant within(Duration limit) {
  return Instant(std::chrono::steady_clock::now()) + limit;
}

Error error(const std::string& doing, const sql::Failure& failure) {
  if (failure.kind == sql::Failure::Kind::late) {
    return {ErrorKind::timeout, doing + ": no answer in time"};
  }
  return {ErrorKind::io, fmt::format("{}: {} ({})", doing, failure.message, failure.number)};
}

}  // namespace

Result<Session> Session::connect(const net::Endpoint& to, Duration limit) {
  const sql::Login manager{std::string(manager_user), std::string(password)};
  sql::Connection connection(to, manager, within(limit));
  if (!connection.stands()) {
    return error("connecting to " + net::to_string(to), connection.failure());
  }
  return Session(std::move(connection));
}

Result<std::vector<Session::Row>> Session::query(const std::string& sql, Duration limit) {
  const auto answer = connection_.query(sql, within(limit));
  if (answer.failure) {
    return error(sql, answer.failure);
  }
  std::vector<Row> rows;
  for (const auto& values : answer.rows) {
    auto& row = rows.emplace_back();
    for (std::size_t i = 0; i < values.size(); ++i) {
      row[answer.columns[i]] = values[i];
    }
  }
  return rows;
}

}  // namespace faultline::database
