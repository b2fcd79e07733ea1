#pragma once

#include "orchestrator/slo/count.hpp"

/// How fast an objective's error budget burns: 1 spends it exactly in its period of 28 days. With
/// several windows, as chapter 5 of Google's SRE Workbook ("Alerting on SLOs") has it.
namespace faultline::slo {

/// Alerts while the budget burns faster than `factor` over both windows: over the long one, so that
/// a moment does not alert, and over the short one, so that the alert ends soon after the trouble.
struct BurnRule {
  Duration long_window{}, short_window{};
  double factor = 1;
};

/// Over the requests due in [end - window, end): the share that is lost, of the share that the
/// objective allows to be. None without a request, since no data is not a pass; infinite when
/// something is lost and nothing may be. What was due before the series began is unknown and does
/// not count, so a longer window than has been observed is what has been observed.
std::optional<double> burn_rate(const Tally& tally, double objective_percent, Instant end,
                                Duration window);

/// The rate that decides at an instant: the smaller of the two windows. None when one holds no
/// request. The alert is on while it is above the rule's factor.
std::optional<double> burn_rate(const Tally& tally, double objective_percent, Instant end,
                                const BurnRule& rule);

/// What a rule saw that was evaluated every `every` in (from, to] and at `to`, as an alerting
/// system does, as far as everything is known until `seen_until`.
struct Burn {
  double worst = 0;  ///< the highest rate that decided
  Instant worst_at{};
  std::optional<Instant> alerted_at;  ///< first on
  std::optional<Instant> ended_at;    ///< off again after that; none: still on
};
/// None when no evaluation found a request in both windows.
std::optional<Burn> watch_burn(const Tally& tally, double objective_percent, const BurnRule& rule,
                               Instant from, Instant to, Instant seen_until,
                               Duration every = std::chrono::seconds(1));

}  // namespace faultline::slo
