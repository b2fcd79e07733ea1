#include "orchestrator/load/sql_store.hpp"

#include "orchestrator/load/sql_error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faultline::load {
namespace {

/// A node that is there logs a client in and answers a batch in a few ms, on a busy machine in some
/// hundred.
constexpr auto step_timeout = std::chrono::seconds(2);

Instant in_time() {
  return std::chrono::steady_clock::now() + step_timeout;
}

/// The rows that were asked for: there may be others between them, of writes without an answer.
WriteStore::Values values_of(std::span<const std::uint64_t> numbers, const sql::Answer& answer) {
  WriteStore::Values values(numbers.size());
  for (const auto& row : answer.rows) {
    const auto number = std::strtoull(row.at(0).c_str(), nullptr, 10);
    const auto at = std::ranges::lower_bound(numbers, number);
    if (at != numbers.end() && *at == number) {
      values[static_cast<std::size_t>(at - numbers.begin())] = row.at(1);
    }
  }
  return values;
}

}  // namespace

std::shared_ptr<sql::AsyncConnection> connect_as_client(boost::asio::io_context& io,
                                                        const Endpoint& to, Instant deadline,
                                                        sql::AsyncConnection::Then then) {
  const auto connection = std::make_shared<sql::AsyncConnection>(io);
  // No secret: the lab's database is in the lab's namespaces only.
  connection->connect({to.address().to_string(), to.port()}, {"app", "lab"}, deadline,
                      std::move(then));
  return connection;
}

SqlStore::SqlStore(boost::asio::io_context& io, const Endpoint& at, const WriteLedger& ledger)
    : io_(io),
      at_(at),
      name_(fmt::format("{}:{}", at.address().to_string(), at.port())),
      ledger_(ledger) {}

void SqlStore::open(Done then) {
  connection_ = connect_as_client(io_, at_, in_time(),
                                  [this, then = std::move(then)](const sql::Answer& answer) {
                                    connected(answer.failure, then);
                                  });
}

void SqlStore::connected(const sql::Failure& failure, Done then) {
  if (failure) {
    then(name_ + ": " + sql_error_class(failure));
    return;
  }
  connection_->query("SELECT @@global.read_only", in_time(),
                     [this, then = std::move(then)](const sql::Answer& answer) {
                       if (answer.failure) {
                         then(name_ + ": " + sql_error_class(answer.failure));
                       } else if (answer.rows.empty() || answer.rows[0][0] != "0") {
                         then(name_ + ": the node behind it is read-only");
                       } else {
                         then("");
                       }
                     });
}

void SqlStore::read(std::span<const std::uint64_t> numbers,
                    std::function<void(const std::string&, Values)> then) {
  if (!connection_->free()) {
    then(name_ + ": closed early", {});
    return;
  }
  connection_->query(
      fmt::format("SELECT n, value FROM faultline.writes WHERE writer = {} AND n BETWEEN {} AND {}",
                  sql::quoted(ledger_.writer()), numbers.front(), numbers.back()),
      in_time(), [numbers, then = std::move(then)](const sql::Answer& answer) {
        then(sql_error_class(answer.failure),
             answer.failure ? Values() : values_of(numbers, answer));
      });
}

void SqlStore::remove(std::uint64_t from, std::uint64_t to, Done then) {
  if (!connection_->free()) {
    then(name_ + ": closed early");
    return;
  }
  connection_->query(
      fmt::format("DELETE FROM faultline.writes WHERE writer = {} AND n >= {} AND n < {}",
                  sql::quoted(ledger_.writer()), from, to),
      in_time(), [then = std::move(then)](const sql::Answer& answer) {
        then(sql_error_class(answer.failure));
      });
}

void SqlStore::close() {
  if (const auto connection = std::exchange(connection_, nullptr)) {
    connection->close();
  }
}

}  // namespace faultline::load
