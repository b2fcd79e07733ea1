#pragma once

#include "orchestrator/engine/objectives.hpp"
#include "targets/prometheus/client.hpp"

/// Promises about what the environment's own Prometheus says: the question, and what its answer
/// means. No data, not a number, a gap that matters and a warning are doubts, never a pass.
namespace faultline::engine {

/// Where a run's time is on the wall: questions are asked in that.
struct WallOf {
  Instant now;
  WallTime wall;
  [[nodiscard]] WallTime operator()(Instant at) const {
    return std::chrono::floor<WallTime::duration>(wall + (at - now));
  }
};

/// The expression with its window filled in, at points no finer than the server answers. Error
/// `usage` when there is no such window.
Result<prometheus::Question> metric_question(const Objective& objective,
                                             const Prometheus& prometheus, const WallOf& wall);
/// Whether it fires in the objective's window, as far as it has passed at `until`.
Result<prometheus::AlertQuestion> alert_question(const Objective& objective, Instant until,
                                                 const Prometheus& prometheus, const WallOf& wall);

/// Decides, or says in `reason` why nothing is decided.
void judge_metric(Objective& objective, const Result<prometheus::Figure>& answer);
/// `final`: the window has passed. Before it, only what cannot change any more is decided.
void judge_alert(Objective& objective, const Result<prometheus::AlertHistory>& answer,
                 const WallOf& wall, bool final);

/// How long after a window's end its samples have arrived and rules were evaluated on them.
Duration arrival_delay(Sli sli, const Prometheus& prometheus);

}  // namespace faultline::engine
