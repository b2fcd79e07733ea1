#pragma once

#include "targets/clock.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Values and arithmetic of service level objectives: no I/O, no clock, no threads.
namespace faultline::slo {

/// What a user got. `degraded`: served with less, as the service says itself.
enum class Class : std::uint8_t { good, degraded, bad };

/// One request, counted by the time it was due, not by the time it was sent.
struct Sample {
  Instant due;
  Duration latency{};       ///< from due to the end of the answer
  Duration service_time{};  ///< from sent to the end of the answer: the uncorrected view
  Class result = Class::good;
  std::uint16_t error = 0;  ///< index into Series::errors; 0 is "none"
};

/// Which requests an objective counts as kept: every share, burn rate and bound is one of these.
using Keep = std::function<bool(const Sample&)>;
inline bool is_good(const Sample& sample) {
  return sample.result == Class::good;
}
inline bool is_served(const Sample& sample) {  ///< good or degraded
  return sample.result != Class::bad;
}
/// Answered within that time; a bad one is slower than any.
Keep within_ms(double ms);

/// All requests of one probe, in order of due time.
class Series {
 public:
  void add(const Sample& sample);  ///< any order; kept sorted by due
  /// Index of an error class such as "timeout", "connection refused", "status 502".
  std::uint16_t error_class(std::string_view name);
  [[nodiscard]] const std::string& error_name(std::uint16_t index) const { return errors_[index]; }
  [[nodiscard]] const std::vector<Sample>& samples() const { return samples_; }
  /// The samples due in [from, to): a view that lasts until the next `add`.
  [[nodiscard]] std::span<const Sample> between(Instant from, Instant to) const;

 private:
  std::vector<Sample> samples_;
  std::vector<std::string> errors_{"none"};
};

/// Acknowledged-write accounting of one writer. `ambiguous`: no answer, so either may be true.
struct Writes {
  std::uint64_t attempted = 0, acknowledged = 0, ambiguous = 0;
  std::uint64_t lost = 0;        ///< acknowledged and not there at the end
  std::uint64_t duplicated = 0;  ///< there more than once
  std::uint64_t stale = 0;       ///< there with an older value
  double loss_span_ms = 0;  ///< from the first to the last lost write: the actual recovery point
};

}  // namespace faultline::slo
