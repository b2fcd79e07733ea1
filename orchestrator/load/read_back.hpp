#pragma once

#include "orchestrator/load/primary_finder.hpp"
#include "orchestrator/load/write_ledger.hpp"

namespace faultline::load {

/// Reads every acknowledged write from the primary that most Sentinels name and that says itself
/// that it is one, then deletes the keys of all attempted ones.
class ReadBack {
 public:
  /// `finished` is called once with {"writes": {...}}, or with {"writes": null, "error": "..."}
  /// when no primary could be read `within` so long: nobody may take that for "nothing lost".
  ReadBack(boost::asio::io_context& io, PrimaryFinder& finder, WriteLedger& ledger, Duration within,
           std::function<void(Json)> finished);

  void begin();
  /// Some Sentinel has named a primary.
  void named();

 private:
  void connected(const Endpoint& to, const std::string& error);
  void read_batch(std::size_t from);
  void delete_batch(std::uint64_t from);
  void start_over(const std::string& why);
  void give_up_later();
  void finish(Json line);

  boost::asio::io_context& io_;
  PrimaryFinder& finder_;
  WriteLedger& ledger_;
  Duration within_;
  std::function<void(Json)> finished_;
  boost::asio::steady_timer give_up_;
  std::shared_ptr<RespConnection> connection_;
  std::vector<std::uint64_t> wanted_;
  std::string why_not_;  ///< what went wrong last
  bool too_late_ = false;
};

}  // namespace faultline::load
