#pragma once

#include "orchestrator/load/place.hpp"
#include "orchestrator/load/write_ledger.hpp"
#include "orchestrator/load/write_store.hpp"
#include "targets/sql/async_connection.hpp"

namespace faultline::load {

/// A connection of the load, which the lab's database lets in as its ordinary user.
std::shared_ptr<sql::AsyncConnection> connect_as_client(boost::asio::io_context& io,
                                                        const Endpoint& to, Instant deadline,
                                                        sql::AsyncConnection::Then then);

/// The rows of a ledger in faultline.writes, at an endpoint behind which a writable node answers: a
/// read-only one may lag behind, and what it does not have yet would count as lost.
class SqlStore : public WriteStore {
 public:
  SqlStore(boost::asio::io_context& io, const Endpoint& at, const WriteLedger& ledger);

  void open(Done then) override;
  void read(std::span<const std::uint64_t> numbers,
            std::function<void(const std::string&, Values)> then) override;
  void remove(std::uint64_t from, std::uint64_t to, Done then) override;
  void close() override;

 private:
  void connected(const sql::Failure& failure, Done then);

  boost::asio::io_context& io_;
  Endpoint at_;
  std::string name_;
  const WriteLedger& ledger_;
  std::shared_ptr<sql::AsyncConnection> connection_;
};

}  // namespace faultline::load
