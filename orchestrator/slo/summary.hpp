#pragma once

#include "orchestrator/slo/sample.hpp"

namespace faultline::slo {

/// Counts and percentiles of a window. A bad request is slower than any threshold, so percentiles
/// that fall among bad requests are infinite (null in the record).
struct Summary {
  std::uint64_t requests = 0, good = 0, degraded = 0, bad = 0;
  std::uint64_t bad_seconds = 0;  ///< whole seconds from the window's start with at least one bad
  double p50_ms = 0, p90_ms = 0, p99_ms = 0, p999_ms = 0, max_ms = 0;
  double service_p50_ms = 0, service_p99_ms = 0;  ///< uncorrected, beside it
  std::map<std::string, std::uint64_t> errors;    ///< by class
  [[nodiscard]] double good_percent() const;      ///< good only; 0 of 0 is 0
};
Summary summarize(const Series& series, Instant from, Instant to);

}  // namespace faultline::slo
