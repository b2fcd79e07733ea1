#pragma once

#include "orchestrator/slo/sample.hpp"

#include <optional>

namespace faultline::slo {

/// When the service came back, in ms from the disruption.
struct Recovery {
  std::optional<double> symptom_ms;        ///< first bad request; none: users felt nothing
  std::optional<double> first_success_ms;  ///< first good one after the symptom
  std::optional<double> sustained_ms;      ///< first good one from which it stays good
  double actual_ms = 0;      ///< sustained; 0 without a symptom; the cap when censored
  bool censored = false;     ///< not recovered when observation ended: "> cap"; also when
                             ///< nothing at all was observed
  double resolution_ms = 0;  ///< time between two probes: nothing finer is known
};

/// "It stays so": from an instant on, the first of `of` windows that follow each other is kept, and
/// at least `good` of them are. So one blip just after the recovery does not move it, and flapping
/// does. It is known as soon as `good` are. A window without a request is not kept; where probes
/// are rarer than that, windows are made twice as long as the time between two probes.
struct Sustain {
  Duration window = std::chrono::milliseconds(200);
  int good = 9, of = 10;
};

/// Good and degraded count as recovered, and a window is good when all of its requests are.
/// `until`: what has been observed so far.
Recovery measure_recovery(const Series& series, Instant disruption, Instant until,
                          const Sustain& sustain);

/// The queue that a disruption built up, in ms from it. It shows as latency of whole windows, their
/// median, because it delays everybody; one slow request is no queue. Bad ones are slower than any.
struct Backlog {
  std::optional<double> began_ms;    ///< first slow request of a slow window; none: no queue
  std::optional<double> drained_ms;  ///< first fast request from which windows stay fast
};
Backlog measure_backlog(const Series& series, Instant disruption, Instant until, double level_ms,
                        const Sustain& sustain);
/// The median latency above which there is a queue: twice the baseline's, and at least 5 ms more
/// than it, because on a busy machine the scheduler alone adds some milliseconds.
double backlog_level_ms(double baseline_p50_ms);

}  // namespace faultline::slo
