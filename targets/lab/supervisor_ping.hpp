#pragma once

#include <optional>
#include <string>
#include <vector>

namespace faultline::lab {

/// What `ping` has printed.
struct PingSeen {
  int sent = 0;
  int received = 0;
  std::vector<double> times_ms;  ///< of every reply, unless it was quiet
  [[nodiscard]] double lost_percent() const;
  /// Of the replies; 0 when there are none.
  [[nodiscard]] double median_ms() const;
};

/// Nothing when there is no summary, as when ping could not send.
std::optional<PingSeen> parse_ping(const std::string& printed);

}  // namespace faultline::lab
