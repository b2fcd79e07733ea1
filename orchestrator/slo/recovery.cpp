#include "orchestrator/slo/recovery.hpp"

#include "orchestrator/slo/count.hpp"

#include <algorithm>

namespace faultline::slo {
namespace {

constexpr double all_percent = 100, half_percent = 50;

/// None with fewer than two.
Duration between_probes(std::span<const Sample> samples) {
  const auto gaps = static_cast<Duration::rep>(samples.size()) - 1;
  return gaps > 0 ? (samples.back().due - samples.front().due) / gaps : Duration::zero();
}

/// Looks for "from here on it stays so" among what was observed before `until`.
class Stays {
 public:
  /// A window is kept when `percent` of its requests are.
  Stays(const Series& series, Keep keep, double percent, Instant from, Instant until,
        const Sustain& sustain)
      : series_(series),
        keep_(std::move(keep)),
        tally_(series, keep_),
        percent_(percent),
        until_(until),
        sustain_(sustain),
        window_(std::max(sustain.window, 2 * between_probes(series.between(from, until)))) {}

  /// The first request that is kept and from which it stays so.
  [[nodiscard]] std::optional<Instant> first_after(Instant from) const {
    return first(from, [this](const Sample& s) { return keep_(s) && stays_from(s.due); });
  }
  /// The first request that is not kept, in a window that is not.
  [[nodiscard]] std::optional<Instant> first_failing(Instant from) const {
    return first(from, [this](const Sample& s) {
      return !keep_(s) && s.due + window_ <= until_ && !window_kept(s.due);
    });
  }

 private:
  [[nodiscard]] std::optional<Instant> first(Instant from, const Keep& wanted) const {
    const auto samples = series_.between(from, until_);
    const auto found = std::ranges::find_if(samples, wanted);
    return found == samples.end() ? std::nullopt : std::optional(found->due);
  }

  [[nodiscard]] bool window_kept(Instant from) const {
    const auto counted = tally_.between(from, from + window_);
    return counted.requests > 0 && at_least(counted, percent_);
  }

  [[nodiscard]] bool stays_from(Instant from) const {
    int good = 0;
    for (int i = 0; i < sustain_.of && good < sustain_.good; ++i) {
      const auto start = from + i * window_;
      const bool kept = start + window_ <= until_ && window_kept(start);
      good += kept ? 1 : 0;
      if (good == 0 || i - good >= sustain_.of - sustain_.good) {
        return false;  // the first is not kept, or too many are not
      }
    }
    return good >= sustain_.good;
  }

  const Series& series_;
  Keep keep_;
  Tally tally_;
  double percent_;
  Instant until_;
  Sustain sustain_;
  Duration window_;
};

}  // namespace

Recovery measure_recovery(const Series& series, Instant disruption, Instant until,
                          const Sustain& sustain) {
  const auto samples = series.between(disruption, until);
  Recovery recovery;
  const auto symptom = std::ranges::find_if_not(samples, is_served);
  if (symptom != samples.end()) {
    recovery.symptom_ms = to_ms(symptom->due - disruption);
    const auto success = std::find_if(symptom, samples.end(), is_served);
    if (success != samples.end()) {
      recovery.first_success_ms = to_ms(success->due - disruption);
    }
    const Stays stays(series, is_served, all_percent, disruption, until, sustain);
    if (const auto sustained = stays.first_after(symptom->due)) {
      recovery.sustained_ms = to_ms(*sustained - disruption);
    }
  }
  // Nothing observed is not "users felt nothing": it must never look like a recovery.
  recovery.censored = samples.empty() || (recovery.symptom_ms && !recovery.sustained_ms);
  recovery.actual_ms =
      recovery.censored ? to_ms(until - disruption) : recovery.sustained_ms.value_or(0);
  recovery.resolution_ms = to_ms(between_probes(samples));
  return recovery;
}

Backlog measure_backlog(const Series& series, Instant disruption, Instant until, double level_ms,
                        const Sustain& sustain) {
  const Stays stays(series, within_ms(level_ms), half_percent, disruption, until, sustain);
  Backlog backlog;
  if (const auto began = stays.first_failing(disruption)) {
    backlog.began_ms = to_ms(*began - disruption);
    if (const auto drained = stays.first_after(*began)) {
      backlog.drained_ms = to_ms(*drained - disruption);
    }
  }
  return backlog;
}

double backlog_level_ms(double baseline_p50_ms) {
  constexpr double times = 2, at_least_more_ms = 5;
  return std::max(times * baseline_p50_ms, baseline_p50_ms + at_least_more_ms);
}

}  // namespace faultline::slo
