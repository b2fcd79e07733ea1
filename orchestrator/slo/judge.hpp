#pragma once

#include "orchestrator/slo/sample.hpp"

#include <optional>
#include <string>

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

/// The share of good requests, in percent, that `good` of `requests` establishes at 95 % confidence
/// (one-sided Clopper-Pearson): 2,995 of 2,995 establish 99.9.
double established_percent(std::uint64_t good, std::uint64_t requests);
/// Requests needed to express a percentage at all: 99.9 % needs 1,000.
std::uint64_t requests_to_express(double percent);
/// Requests without a failure needed to establish it at 95 %: 99.9 % needs 2,995.
std::uint64_t requests_to_establish(double percent);
/// Share of the 28-day budget of `objective_percent` that `bad` requests at `rate` per s burn.
double budget_burned_percent(double objective_percent, std::uint64_t bad, double rate_per_s);

/// When the service came back, in ms from the disruption.
struct Recovery {
  std::optional<double> symptom_ms;        ///< first bad request; none: users felt nothing
  std::optional<double> first_success_ms;  ///< first good one after the symptom
  std::optional<double> sustained_ms;      ///< first good one from which `sustain` stays good
  double actual_ms = 0;  ///< sustained; 0 without a symptom; the cap when censored
  bool censored = false;                   ///< not recovered when observation ended: "> cap"; also
                                           ///< when nothing at all was observed
  double resolution_ms = 0;                ///< time between two probes: nothing finer is known
};
/// Good and degraded count as recovered. `until`: what has been observed so far.
Recovery measure_recovery(const Series& series, Instant disruption, Instant until,
                          Duration sustain);

enum class Decision { holds, broken, undecided };

/// "good share of requests due in [from, to) is at least `percent`", decided as early as it can be
/// with `expected` requests in the whole window; `undecided` while either is possible, and for ever
/// when the whole window holds no request. Requests due before `seen_until` have all been answered
/// or given up.
Decision decide_good(const Series& series, Instant from, Instant to, Instant seen_until,
                     double percent, std::uint64_t expected);

}  // namespace faultline::slo
