#pragma once

#include "orchestrator/engine/environment.hpp"
#include "orchestrator/engine/probes.hpp"
#include "orchestrator/slo/judge.hpp"

#include <optional>
#include <string>

namespace faultline::engine {

/// What a promise came to. Pure: a function of the samples.
struct Objective {
  Expectation expectation;
  std::string name;   ///< "login >= 97 % good"
  std::string phase;  ///< baseline, method, verify
  Instant from{}, to{};
  slo::Decision decision = slo::Decision::undecided;
  std::optional<double> measured;  ///< in `unit`
  std::string unit;                ///< %, ms, requests, writes
  std::optional<slo::Summary> summary;
  std::optional<slo::Recovery> recovery;
  std::optional<slo::Writes> writes;
  std::string reason;  ///< in words, when it is broken or undecided

  [[nodiscard]] Json record() const;
};

/// With the threshold that the baseline over [from, to) sets; what is not compared with it is
/// returned as it is. Error `usage` when the baseline has too few requests, or too many bad ones.
Result<Expectation> against_baseline(Expectation expectation, const Probes& probes, Instant from,
                                     Instant to);

/// Judges over [from, to) with what has been seen so far. `undecided` while either is possible;
/// `final` decides with what there is, and says what is missing in `reason` when that is nothing.
Objective judge(const Expectation& expectation, const Probes& probes,
                const Environment& environment, Instant from, Instant to, bool final);

/// What became of a writer's writes; null when they were not read back.
Json writes_record(const Probes::Measured& writer);
/// A recovery as the record has it, but for what it counts from, which the run knows; fields that
/// are not measured are null.
Json recovery_record(const Objective& objective, const Probes::Measured& writer);

}  // namespace faultline::engine
