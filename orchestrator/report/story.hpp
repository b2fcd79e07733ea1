#pragma once

#include "orchestrator/report/record.hpp"

#include <string>
#include <vector>

/// Which fault did what: a run cut at the moments when a fault began or ended. Pure.
namespace faultline::report {

/// What a probe's users got in a stretch of time.
struct Got {
  std::string probe;
  double good = 0, degraded = 0, bad = 0;
  [[nodiscard]] double requests() const { return good + degraded + bad; }
  /// "99.1 % good, 12 degraded, 3 bad"; "-" without requests.
  [[nodiscard]] std::string in_words() const;
};

/// A stretch in which the same faults were in force.
struct Stretch {
  double from_ms = 0, to_ms = 0;   ///< from the start of the run
  std::vector<std::string> marks;  ///< of the faults in force; empty before the first
  std::vector<Got> got;            ///< in the order of the record's probes
};

/// "A", "B", ... for the fault at `index` of the record.
std::string mark_of(std::size_t index);
/// The mark of the fault that a recovery counts from; empty where there is only one fault, or none.
std::string mark_of_recovery(const Json& record, const Json& recovery);
/// The stretches from the first to the last measured second. A second counts where its middle lies.
std::vector<Stretch> stretches(const Json& record);
/// "A, B" or "none".
std::string marks_in_words(const Stretch& stretch);

}  // namespace faultline::report
