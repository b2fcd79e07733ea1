#pragma once

#include "orchestrator/load/delays.hpp"
#include "orchestrator/load/output.hpp"
#include "orchestrator/load/source.hpp"

#include <boost/asio/steady_timer.hpp>

#include <set>

namespace faultline::load {

/// Sends request n at start + n / rate, whatever became of the earlier ones, and prints what became
/// of each.
class OpenLoop {
 public:
  OpenLoop(boost::asio::io_context& io, const Spec& spec, Source& source, Output& output);

  void start();
  /// Sends nothing more; prints the last samples and calls `drained` when all is answered.
  void finish(std::function<void()> drained);
  [[nodiscard]] double delay_p99_ms() const { return all_delays_.p99_ms(); }

 private:
  [[nodiscard]] Instant due(std::uint64_t number) const;
  void send_what_is_due();
  void send(std::uint64_t number, Instant now);
  void answered(std::uint64_t number, Outcome outcome);
  void report_regularly();
  void report_samples();
  void report_second(Instant now);

  const Spec& spec_;
  Source& source_;
  Output& output_;
  boost::asio::steady_timer send_timer_, report_timer_;
  Instant start_, second_started_;
  std::uint64_t next_ = 0;
  std::set<std::uint64_t> in_flight_;
  std::string samples_;  ///< JSON arrays, not yet printed
  Delays all_delays_, second_delays_;
  std::function<void()> drained_;
  bool finishing_ = false;
};

/// CLOCK_MONOTONIC in microseconds, as the output has it.
std::int64_t to_us(Instant instant);

}  // namespace faultline::load
