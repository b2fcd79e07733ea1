#include "orchestrator/engine/objectives.hpp"

#include <cmath>

/// Objectives as the run record has them.
namespace faultline::engine {
namespace {

Json finite(std::optional<double> x) {
  return x && std::isfinite(*x) ? Json(*x) : Json();
}

Json burns_record(const Objective& o) {
  Json all = Json::array();
  const auto offset = [&](std::optional<Instant> at) {
    return at ? Json(to_ms(*at - o.from)) : Json();
  };
  for (const auto& [rule, seen] : o.burns) {
    all.push_back({{"long_ms", to_ms(rule.long_window)},
                   {"short_ms", to_ms(rule.short_window)},
                   {"factor", rule.factor},
                   {"worst", seen ? finite(seen->worst) : Json()},
                   {"worst_at_ms", seen ? Json(to_ms(seen->worst_at - o.from)) : Json()},
                   {"alerted_ms", seen ? offset(seen->alerted_at) : Json()},
                   {"ended_ms", seen ? offset(seen->ended_at) : Json()}});
  }
  return all;
}

Json figure_record(const Objective& o) {
  const auto& f = *o.figure;
  return {{"expression", o.expectation.metric.expression},
          {"take", prometheus::to_string(f.take)},
          {"outcome", prometheus::to_string(f.outcome)},
          {"points", f.points},
          {"not_a_number", f.nan},
          {"expected", f.expected},
          {"coverage", f.coverage()},
          {"warnings", f.warnings}};
}

Json alert_record(const prometheus::AlertHistory& alert) {
  Json firings = Json::array();
  for (const auto& firing : alert.firings) {
    firings.push_back({{"labels", firing.labels},
                       {"pending_at", firing.pending ? Json(rfc3339(*firing.pending)) : Json()},
                       {"from_at", rfc3339(firing.from)},
                       {"to_at", rfc3339(firing.to)},
                       {"before", firing.before},
                       {"lasting", firing.lasting}});
  }
  return {{"firings", firings},
          {"resolution_ms", alert.resolution.count()},
          {"coverage", alert.coverage()},
          {"warnings", alert.warnings}};
}

/// How the measured value must compare with the objective.
std::string_view comparison_of(const Expectation& e) {
  switch (e.sli) {
    case Sli::good:
    case Sli::served:
    case Sli::throughput:
      return to_string(slo::Comparison::at_least);
    case Sli::metric:
      return to_string(e.metric.comparison);
    default:
      return to_string(slo::Comparison::at_most);
  }
}

double limit_of(const Objective& o) {
  const auto& e = o.expectation;
  if (e.sli == Sli::burn) {
    return o.limit.value_or(e.burn.front().factor);
  }
  return e.sli == Sli::recovery || e.sli == Sli::alert ? to_ms(e.over) : e.threshold;
}

}  // namespace

Json Objective::record() const {
  const bool counts = expectation.sli == Sli::good || expectation.sli == Sli::served;
  const auto kept = [this] {
    return summary->good + (expectation.sli == Sli::served ? summary->degraded : 0);
  };
  Json out = {{"name", name},
              {"sli", to_string(expectation.sli)},
              {"probe", expectation.subject},
              {"comparison", comparison_of(expectation)},
              {"objective", limit_of(*this)},
              {"measured", finite(measured)},
              {"unit", unit},
              {"samples", summary  ? Json(summary->requests)
                          : writes ? Json(writes->acknowledged)
                          : figure ? Json(figure->points)
                                   : Json()},
              {"bad", summary ? Json(summary->bad) : Json()},
              {"bad_seconds", summary ? Json(summary->bad_seconds) : Json()},
              {"bound_95",
               counted ? Json(slo::established_percent(counted->kept, counted->requests)) : Json()},
              {"bound_95_blocks", bound ? Json(bound->percent) : Json()},
              {"blocks", bound ? Json(bound->blocks) : Json()},
              {"window_ms", to_ms(to - from)},
              {"phase", phase},
              {"verdict", decision == slo::Decision::holds    ? "passed"
                          : decision == slo::Decision::broken ? "failed"
                                                              : "inconclusive"},
              {"reason", reason}};
  if (counts && summary && summary->requests > 0) {
    const double rate = static_cast<double>(summary->requests) / (to_ms(to - from) / 1000);
    out["budget_28d_percent"] =
        slo::budget_burned_percent(expectation.threshold, summary->requests - kept(), rate);
  }
  if (expectation.versus) {
    auto promise = expectation;
    promise.threshold = 0;
    out["promise"] = in_words(promise);
  }
  if (expectation.sli == Sli::latency) {
    out["percentile"] = expectation.percentile;
    out["bound_95_ms"] = finite(latency_bound_ms);
  }
  if (!burns.empty()) {
    out["slo_percent"] = expectation.threshold;
    out["burns"] = burns_record(*this);
  }
  if (figure) {
    out["metric"] = figure_record(*this);
  }
  if (alert) {
    out["alert"] = alert_record(*alert);
  }
  return out;
}

Json writes_record(const Probes::Measured& writer) {
  if (!writer.writes) {
    return {};
  }
  const auto& w = *writer.writes;
  return {{"attempted", w.attempted}, {"acknowledged", w.acknowledged}, {"ambiguous", w.ambiguous},
          {"lost", w.lost},           {"duplicated", w.duplicated},     {"stale", w.stale},
          {"rpa_ms", w.loss_span_ms}};
}

}  // namespace faultline::engine
