#pragma once

#include "orchestrator/engine/environment.hpp"
#include "orchestrator/engine/probes.hpp"
#include "orchestrator/slo/block_bounds.hpp"
#include "orchestrator/slo/judge.hpp"
#include "targets/prometheus/alerts.hpp"

#include <optional>
#include <string>

namespace faultline::engine {

/// What a rule of a burn objective saw; none: no request in one of its windows.
struct BurnSeen {
  slo::BurnRule rule;
  std::optional<slo::Burn> seen;
};

/// What a promise came to. Pure: a function of the samples, or of what Prometheus answered.
struct Objective {
  Expectation expectation;
  std::string name;   ///< "login >= 97 % good"
  std::string phase;  ///< baseline, method, verify
  Instant from{}, to{};
  slo::Decision decision = slo::Decision::undecided;
  std::optional<double> measured;  ///< in `unit`
  std::string unit;                ///< %, ms, requests, seconds, requests/s, x, writes, or empty
  std::optional<double> limit;     ///< of a burn rate: the factor that `measured` came nearest to
  std::optional<slo::Summary> summary;
  std::optional<slo::Count> counted;     ///< of a share or a percentile: what is kept
  std::optional<slo::BlockBound> bound;  ///< the same by blocks
  std::optional<double> latency_bound_ms;
  std::vector<BurnSeen> burns;
  std::optional<slo::Recovery> recovery;
  std::optional<slo::Writes> writes;
  std::optional<prometheus::Figure> figure;
  std::optional<prometheus::AlertHistory> alert;
  std::string reason;  ///< in words, when it is broken or undecided

  [[nodiscard]] Json record() const;
};

/// With the threshold that the baseline over [from, to) sets; what is not compared with it is
/// returned as it is. Error `usage` when the baseline has too few requests, or too many bad ones.
Result<Expectation> against_baseline(Expectation expectation, const Probes& probes, Instant from,
                                     Instant to);

/// Judges over [from, to) with what has been seen so far. `undecided` while either is possible, and
/// then without figures; `final` decides with what there is, and says what is missing in `reason`
/// when that is nothing.
Objective judge(const Expectation& expectation, const Probes& probes,
                const Environment& environment, Instant from, Instant to, bool final);

/// An objective about which nothing is known yet, with its name and unit.
Objective open_objective(const Expectation& expectation, Instant from, Instant to);
/// Why it is broken: "login >= 97 % good: 91.2 % of 400 requests, ...".
std::string broken_in_words(const Objective& objective);

/// What became of a writer's writes; null when they were not read back.
Json writes_record(const Probes::Measured& writer);
/// One good answer alone is no recovery.
inline constexpr slo::Sustain sustain{};
/// When requests were good again after a disruption, from what was due until then.
slo::Recovery observe_recovery(const slo::Series& series, Instant disruption, Instant until);
/// The writer of a store, or the probe of that name; nullptr when there is none.
const Probes::Measured* shows_recovery_of(const std::string& subject, const Probes& probes);

}  // namespace faultline::engine
