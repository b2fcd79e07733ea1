#include "orchestrator/slo/sizing.hpp"

#include "orchestrator/slo/bounds.hpp"

#include <algorithm>
#include <cmath>

namespace faultline::slo {
namespace {

/// Longer than any window is as good as never, and nanoseconds end after 292 years.
constexpr double longest_s = 100.0 * 365 * 24 * 3600;

std::optional<Duration> time_for(std::uint64_t draws, double draws_per_s) {
  const double seconds = static_cast<double>(draws) / draws_per_s;
  if (!(seconds <= longest_s)) {
    return std::nullopt;
  }
  return std::chrono::ceil<Duration>(std::chrono::duration<double>(seconds));
}

double seconds(Duration d) {
  return to_ms(d) / 1000;
}

}  // namespace

Needed needed_for(double percent, double rate_per_s, Duration block) {
  const auto draws = requests_to_establish(percent);
  const double blocks_per_s = std::min(1 / seconds(block), rate_per_s);  // none without a request
  return {time_for(requests_to_express(percent), rate_per_s), time_for(draws, rate_per_s),
          time_for(draws, blocks_per_s)};
}

Reach reach_of(Duration window, double rate_per_s, Duration block) {
  Reach reach;
  // 1e-9: 0.1 s at 70 per s are 7 requests, whatever the binary form of 0.1.
  reach.requests = static_cast<std::uint64_t>(std::max(0.0, seconds(window) * rate_per_s + 1e-9));
  if (reach.requests == 0) {
    return reach;
  }
  reach.blocks = std::min(blocks_in(window, block), reach.requests);
  reach.expresses_percent = 100 - 100 / static_cast<double>(reach.requests);
  reach.establishes_percent_by_requests = established_percent(reach.requests, reach.requests);
  reach.establishes_percent_by_blocks = established_percent(reach.blocks, reach.blocks);
  return reach;
}

}  // namespace faultline::slo
