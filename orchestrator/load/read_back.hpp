#pragma once

#include "orchestrator/load/fields.hpp"
#include "orchestrator/load/write_ledger.hpp"
#include "orchestrator/load/write_store.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace faultline::load {

/// Reads every acknowledged write back from its store, then removes all attempted ones. What breaks
/// is begun again from the first.
class ReadBack {
 public:
  /// `finished` is called once with {"writes": {...}}, or with {"writes": null, "error": "..."}
  /// when the store could not be read `within` so long: nobody may take that for "nothing lost".
  ReadBack(boost::asio::io_context& io, WriteStore& store, WriteLedger& ledger, Duration within,
           std::function<void(Json)> finished);

  void begin();

 private:
  void open();
  void read_batch(std::size_t from);
  void remove_batch(std::uint64_t from);
  void start_over(const std::string& why);
  void give_up_later();
  void give_up();
  void finish(Json line);

  WriteStore& store_;
  WriteLedger& ledger_;
  Duration within_;
  std::function<void(Json)> finished_;
  boost::asio::steady_timer give_up_, again_;
  std::vector<std::uint64_t> wanted_;
  std::string why_not_;  ///< what went wrong last
  bool opened_ = false, too_late_ = false;
};

}  // namespace faultline::load
