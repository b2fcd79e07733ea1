#pragma once

#include "orchestrator/slo/sample.hpp"

namespace faultline::slo {

/// Counts and percentiles of a window. A bad request is slower than any threshold, so percentiles
/// that fall among bad requests, and those of nothing, are infinite (null in the record).
struct Summary {
  std::uint64_t requests = 0, good = 0, degraded = 0, bad = 0;
  std::uint64_t bad_seconds = 0;  ///< whole seconds from the window's start with at least one bad
  double p50_ms = 0, p90_ms = 0, p99_ms = 0, p999_ms = 0, max_ms = 0;
  /// Uncorrected, of what was answered: bad ones have no time, and many were never sent.
  double service_p50_ms = 0, service_p99_ms = 0;
  std::map<std::string, std::uint64_t> errors;  ///< by class
  [[nodiscard]] double good_percent() const;    ///< good only; 0 of 0 is 0
};
Summary summarize(const Series& series, Instant from, Instant to);

/// Of these values, in any order; infinite of none.
double percentile_ms(std::vector<double> ms, double percent);
/// Infinite when it is bad.
double latency_ms(const Sample& sample);
/// One percentile of a window, as `summarize` has the usual ones.
double latency_percentile_ms(const Series& series, Instant from, Instant to, double percent);

}  // namespace faultline::slo
