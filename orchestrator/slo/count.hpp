#pragma once

#include "orchestrator/slo/sample.hpp"

#include <optional>

namespace faultline::slo {

/// How many requests a stretch of time holds, and how many of them an objective keeps.
struct Count {
  std::uint64_t requests = 0, kept = 0;
  [[nodiscard]] std::uint64_t lost() const { return requests - kept; }
  bool operator==(const Count&) const = default;
};

/// "at least `percent` are kept", exact but for rounding in `percent` itself.
bool at_least(const Count& count, double percent);
/// Kept requests per second: the throughput of a window of that length; 0 of no time.
double per_second(const Count& count, Duration window);

/// Of the requests due in [from, to).
Count count(const Series& series, Instant from, Instant to, const Keep& keep);
/// The same, for one stretch of `length` after the other; the last may be shorter.
std::vector<Count> count_blocks(const Series& series, Instant from, Instant to, Duration length,
                                const Keep& keep);

/// Sums up to every request, so that any window costs two searches. The series must outlive it, and
/// not change meanwhile.
class Tally {
 public:
  Tally(const Series& series, const Keep& keep);
  [[nodiscard]] Count between(Instant from, Instant to) const;

 private:
  const Series& series_;
  std::vector<std::uint64_t> kept_before_;  ///< of as many samples as the index says
};

}  // namespace faultline::slo
