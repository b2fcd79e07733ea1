#include "orchestrator/slo/burn.hpp"

#include <algorithm>
#include <limits>

namespace faultline::slo {
std::optional<double> burn_rate(const Tally& tally, double objective_percent, Instant end,
                                Duration window) {
  const auto counted = tally.between(end - window, end);
  if (counted.requests == 0) {
    return std::nullopt;
  }
  if (counted.lost() == 0) {
    return 0;
  }
  const double allowed = (100 - objective_percent) / 100;
  const auto lost = static_cast<double>(counted.lost()) / static_cast<double>(counted.requests);
  return allowed > 0 ? lost / allowed : std::numeric_limits<double>::infinity();
}

std::optional<double> burn_rate(const Tally& tally, double objective_percent, Instant end,
                                const BurnRule& rule) {
  const auto longer = burn_rate(tally, objective_percent, end, rule.long_window);
  const auto shorter = burn_rate(tally, objective_percent, end, rule.short_window);
  return longer && shorter ? std::optional(std::min(*longer, *shorter)) : std::nullopt;
}

std::optional<Burn> watch_burn(const Tally& tally, double objective_percent, const BurnRule& rule,
                               Instant from, Instant to, Instant seen_until, Duration every) {
  std::optional<Burn> burn;
  for (auto last = from; last < to; last += every) {
    const auto at = std::min(last + every, to);
    if (at > seen_until) {
      break;
    }
    const auto rate = burn_rate(tally, objective_percent, at, rule);
    if (rate && (!burn || *rate > burn->worst)) {
      burn = burn.value_or(Burn{});
      burn->worst = *rate;
      burn->worst_at = at;
    }
    const bool on = rate.value_or(0) > rule.factor;  // an alert needs data: without, it is off
    if (on && !burn->alerted_at) {
      burn->alerted_at = at;
    }
    if (!on && burn && burn->alerted_at && !burn->ended_at) {
      burn->ended_at = at;
    }
  }
  return burn;
}

}  // namespace faultline::slo
