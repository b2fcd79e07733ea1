#include "targets/lab/services/sql.hpp"

#include <array>

namespace faultline::services {
namespace {

SqlError error_of(const sql::Failure& failure) {
  using Kind = sql::Failure::Kind;
  // While connecting, whatever was said: there was no statement yet. A balancer without a server
  // just closes.
  switch (failure.kind) {
    case Kind::none:
      return SqlError::none;
    case Kind::late:
      return failure.connecting ? SqlError::refused : SqlError::timeout;
    case Kind::lost:
    case Kind::ending:
    case Kind::locked:
      return failure.connecting ? SqlError::refused : SqlError::closed;
    case Kind::full:
      return SqlError::refused;
    case Kind::read_only:
      return failure.connecting ? SqlError::refused : SqlError::read_only;
    case Kind::denied:
    case Kind::other:
      break;
  }
  return SqlError::other;
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

SqlReply reply_of(sql::Answer answer) {
  return {error_of(answer.failure), std::move(answer.failure.message), std::move(answer.rows)};
}

}  // namespace faultline::services
