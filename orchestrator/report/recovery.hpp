#pragma once

#include "orchestrator/report/record.hpp"

#include <optional>
#include <string>
#include <vector>

/// A recovery of a record, taken apart, for people.
namespace faultline::report {

struct RecoveryStep {
  std::string name;          ///< "first success"
  std::optional<double> ms;  ///< from the disruption
  std::string by, component;
  std::string note;  ///< why there is no time, or what is odd about it
  /// "1.25 s by b-sentinel: a-redis", "did not happen", "900 ms, out of order: before ..."
  [[nodiscard]] std::string in_words() const;
};

/// In the order in which they should come. Records from before there was a list of them have the
/// times only.
std::vector<RecoveryStep> recovery_steps(const Json& recovery);

/// "2.31 s, objective 5 s; 1.31 s from when it was declared; seen every 20 ms on kept connections".
std::string recovery_times(const Json& recovery);

/// What the probes saw of one disruption: the recovery itself, then those in its `also`.
std::vector<const Json*> recovery_views(const Json& recovery);

}  // namespace faultline::report
