#pragma once

#include "orchestrator/load/primary_finder.hpp"
#include "orchestrator/load/write_ledger.hpp"
#include "orchestrator/load/write_store.hpp"

namespace faultline::load {

/// The keys of a ledger at the primary that most Sentinels name and that says itself that it is
/// one.
class RedisStore : public WriteStore {
 public:
  RedisStore(boost::asio::io_context& io, PrimaryFinder& finder, const WriteLedger& ledger)
      : io_(io), finder_(finder), ledger_(ledger) {}

  /// Some Sentinel has named a primary.
  void named();

  void open(Done then) override;
  void read(std::span<const std::uint64_t> numbers,
            std::function<void(const std::string&, Values)> then) override;
  void remove(std::uint64_t from, std::uint64_t to, Done then) override;
  void close() override;
  [[nodiscard]] std::string waits_for() const override;

 private:
  using OnReply = RespConnection::OnReply;
  void connected(const Endpoint& to, const std::string& error);
  void opened(const std::string& why_not);
  /// Drops the answer when the connection has been closed since.
  void ask(const Words& command, OnReply on_reply);

  boost::asio::io_context& io_;
  PrimaryFinder& finder_;
  const WriteLedger& ledger_;
  std::shared_ptr<RespConnection> connection_;
  Done on_open_;
  bool disagree_ = false;  ///< the Sentinels, when asked for the latest `open`
};

}  // namespace faultline::load
