#pragma once

#include "orchestrator/load/output.hpp"
#include "orchestrator/load/source.hpp"
#include "orchestrator/slo/histogram.hpp"

#include <map>

namespace faultline::load {

/// What became of the requests, on its way to the reader: each as a sample, or, for loads of which
/// a line each would be too much, counts and histograms of each second.
class Recorder {
 public:
  Recorder(const Spec& spec, Output& output) : by_second_(spec.by_second), output_(output) {}

  void start(Instant now) { start_ = now; }
  void add(Instant due, Instant end, const Outcome& outcome) {
    if (by_second_) {
      add_to_second(due, end, outcome);
    } else {
      add_sample(due, end, outcome);
    }
  }
  /// Prints what is new. Of what was due before `seen_until` all has been added; `waiting` are sent
  /// and not answered.
  void report(Instant seen_until, std::size_t waiting);
  /// Prints what is left, the last second too.
  void finish();

 private:
  struct Second {
    std::uint64_t good = 0, degraded = 0, bad = 0;
    std::uint64_t unsent = 0;  ///< of the bad ones
    std::map<std::string, std::uint64_t> errors;
    slo::Histogram latency, service;  ///< of the requests that were good or degraded
  };
  void add_sample(Instant due, Instant end, const Outcome& outcome);
  void add_to_second(Instant due, Instant end, const Outcome& outcome);
  void print(std::int64_t number, const Second& second);

  bool by_second_;
  Output& output_;
  Instant start_;
  std::string samples_;                                      ///< JSON arrays, not yet printed
  std::map<std::int64_t, std::unique_ptr<Second>> seconds_;  ///< by number, those not yet printed
  Second* current_ = nullptr;                                ///< the one added to last
  std::int64_t current_number_ = -1;
};

/// CLOCK_MONOTONIC in microseconds, as the output has it.
std::int64_t to_us(Instant instant);

}  // namespace faultline::load
