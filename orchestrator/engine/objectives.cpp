#include "orchestrator/engine/objectives.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace faultline::engine {
namespace {

using slo::Decision;

std::string unit_of(Sli sli) {
  switch (sli) {
    case Sli::good:
    case Sli::served:
      return "%";
    case Sli::latency:
    case Sli::recovery:
    case Sli::alert:
    case Sli::quiet:
      return "ms";
    case Sli::bad:
      return "requests";
    case Sli::bad_seconds:
      return "seconds";
    case Sli::throughput:
      return "requests/s";
    case Sli::burn:
      return "x";
    case Sli::lost:
      return "writes";
    case Sli::metric:
      return "";
  }
  return "";
}

const Probes::Measured* probe_of(const Expectation& e, const Probes& probes) {
  return e.sli == Sli::recovery ? shows_recovery_of(e.subject, probes)
         : e.sli == Sli::lost   ? probes.writer(e.subject)
                                : probes.find(e.subject);
}

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

/// The window with what may still turn out as anything: what is not due or not answered yet, and in
/// the end what was due and never reported.
slo::Window window_of(const Objective& o, const Probes::Measured& m, bool final) {
  const auto due = m.due_before(o.to) - m.due_before(o.from);
  if (m.seen_until < o.to && !final) {
    return slo::so_far(m.series, o.from, o.to, m.seen_until, due);
  }
  const std::uint64_t seen = m.series.between(o.from, o.to).size();
  const auto missing = due > seen + 1 ? due - seen : 0;  // at either edge one may be rounded away
  return {m.series, o.from, o.to, missing, o.from};
}

slo::Keep kept_by(const Expectation& e) {
  return e.sli == Sli::served    ? slo::Keep(slo::is_served)
         : e.sli == Sli::latency ? slo::within_ms(e.threshold)
                                 : slo::Keep(slo::is_good);
}

double measure(const Objective& o, const slo::Series& series) {
  const auto& s = *o.summary;
  switch (o.expectation.sli) {
    case Sli::good:
      return percent(s.good, s.requests);
    case Sli::served:
      return percent(s.good + s.degraded, s.requests);
    case Sli::latency:
      return slo::latency_percentile_ms(series, o.from, o.to, o.expectation.percentile);
    case Sli::bad_seconds:
      return static_cast<double>(s.bad_seconds);
    case Sli::throughput:
      return slo::per_second({s.requests, s.good}, o.to - o.from);
    default:
      return static_cast<double>(s.bad);
  }
}

Decision decide(const Expectation& e, const slo::Window& window) {
  const auto count = static_cast<std::uint64_t>(e.threshold);
  switch (e.sli) {
    case Sli::latency:
      return slo::decide_latency(window, e.percentile, e.threshold);
    case Sli::bad:
      return slo::decide_bad(window, count);
    case Sli::bad_seconds:
      return slo::decide_bad_seconds(window, count);
    case Sli::throughput:
      return slo::decide_throughput(window, slo::is_good, e.threshold);
    default:
      return slo::decide_share(window, kept_by(e), e.threshold);
  }
}

/// Alerts are decided second by second, so what was seen until an instant is decided for good.
Decision watch_burns(Objective& o, const Probes::Measured& m, bool complete) {
  const slo::Tally tally(m.series, slo::is_good);
  const auto seen_until = complete ? o.to : m.seen_until;
  bool all_seen = true, alerted = false;
  double nearest = -1;
  for (const auto& rule : o.expectation.burn) {
    const auto seen =
        slo::watch_burn(tally, o.expectation.threshold, rule, o.from, o.to, seen_until);
    all_seen = all_seen && seen.has_value();
    alerted = alerted || (seen && seen->alerted_at);
    if (seen && seen->worst / rule.factor > nearest) {
      nearest = seen->worst / rule.factor;
      o.measured = seen->worst;
      o.limit = rule.factor;
    }
    o.burns.push_back({rule, seen});
  }
  return alerted ? Decision::broken : all_seen && complete ? Decision::holds : Decision::undecided;
}

/// What the window establishes: requests share their moment's fate.
void establish(Objective& o, const Probes::Measured& m) {
  const auto& e = o.expectation;
  if (e.sli != Sli::good && e.sli != Sli::served && e.sli != Sli::latency) {
    return;
  }
  o.counted = slo::count(m.series, o.from, o.to, kept_by(e));
  const auto block = slo::block_for(m.probe.deadline);
  o.bound = slo::established_by_blocks(m.series, o.from, o.to, kept_by(e), block);
  if (e.sli == Sli::latency) {
    o.latency_bound_ms = slo::latency_bound_ms(m.series, o.from, o.to, e.percentile, block);
  }
}

void judge_requests(Objective& o, const Probes::Measured& m, bool final) {
  final = final || m.seen_until >= o.to;
  const auto window = window_of(o, m, final);
  const bool burns = o.expectation.sli == Sli::burn;
  o.decision = burns ? watch_burns(o, m, window.open == 0) : decide(o.expectation, window);
  if (!final && o.decision == Decision::undecided) {
    return;  // it is asked again with every report, and nobody looks at the figures of these
  }
  o.summary = slo::summarize(m.series, o.from, o.to);
  if (!burns) {
    o.measured = measure(o, m.series);
  }
  if (!final) {
    return;
  }
  establish(o, m);
  if (o.decision == Decision::undecided) {
    o.reason = o.summary->requests == 0
                   ? fmt::format("{}: no requests were measured in the window", o.name)
                   : fmt::format("{}: too few samples: {} of {} requests were measured", o.name,
                                 o.summary->requests, o.summary->requests + window.open);
  }
}

void judge_recovery(Objective& o, const Probes::Measured& m, bool final) {
  const auto until = std::min(m.seen_until, o.to);
  o.recovery = observe_recovery(m.series, o.from, until);
  const auto& r = *o.recovery;
  o.measured = r.actual_ms;
  const bool in_time = r.actual_ms <= to_ms(o.expectation.over);
  const bool watched_long_enough =
      until >= std::min(o.from + o.expectation.over + sustain.of * sustain.window, o.to) &&
      r.resolution_ms > 0;
  if (r.sustained_ms || (!r.symptom_ms && watched_long_enough)) {
    o.decision = in_time ? Decision::holds : Decision::broken;
  } else if (r.symptom_ms && (until >= o.to || (final && !in_time))) {
    o.decision = Decision::broken;
  } else if (final) {
    o.reason = fmt::format("{}: too few samples: it was watched for {} only", o.name,
                           in_words(std::max(until - o.from, Duration::zero())));
  }
}

void judge_lost(Objective& o, const Probes::Measured& m, bool final) {
  o.writes = m.writes;
  if (m.writes) {
    o.measured = static_cast<double>(m.writes->lost);
    o.decision = *o.measured <= o.expectation.threshold ? Decision::holds : Decision::broken;
  } else if (final) {
    o.reason = fmt::format("{}: the acknowledged writes could not be read back", o.name);
  }
}

}  // namespace

Result<Expectation> against_baseline(Expectation e, const Probes& probes, Instant from,
                                     Instant to) {
  const auto* measured = probes.find(e.subject);
  if (!e.versus || measured == nullptr) {
    return e;
  }
  const auto requests = measured->series.between(from, to).size();
  const auto needed = slo::requests_to_express(e.percentile);
  const double baseline = slo::latency_percentile_ms(measured->series, from, to, e.percentile);
  if (requests < needed || !std::isfinite(baseline)) {
    return Error{ErrorKind::usage,
                 fmt::format("{}: the baseline has {} requests of {}, and {}", in_words(e),
                             requests, e.subject,
                             requests < needed ? fmt::format("this percentile needs {}", needed)
                                               : "this percentile is among the bad ones")};
  }
  e.threshold = std::max(e.versus->times * baseline, baseline + to_ms(e.versus->plus));
  return e;
}

Objective open_objective(const Expectation& expectation, Instant from, Instant to) {
  Objective o;
  o.expectation = expectation;
  o.name = in_words(expectation);
  o.from = from;
  o.to = to;
  o.unit = unit_of(expectation.sli);
  return o;
}

Objective judge(const Expectation& expectation, const Probes& probes,
                const Environment& environment, Instant from, Instant to, bool final) {
  const bool recovery = expectation.sli == Sli::recovery;
  auto o = open_objective(expectation, from, recovery ? from + environment.recovery_cap : to);
  const auto* measured = probe_of(expectation, probes);
  if (measured == nullptr) {
    o.reason = fmt::format("{}: the environment has no probe that measures it", o.name);
    return o;
  }
  if (expectation.sli == Sli::recovery) {
    judge_recovery(o, *measured, final);
  } else if (expectation.sli == Sli::lost) {
    judge_lost(o, *measured, final);
  } else {
    judge_requests(o, *measured, final);
  }
  if (o.decision == Decision::broken) {
    o.reason = broken_in_words(o);
  }
  return o;
}

slo::Recovery observe_recovery(const slo::Series& series, Instant disruption, Instant until) {
  return slo::measure_recovery(series, disruption, until, sustain);
}

const Probes::Measured* shows_recovery_of(const std::string& subject, const Probes& probes) {
  const auto* writer = probes.writer(subject);
  return writer != nullptr ? writer : probes.find(subject);
}

}  // namespace faultline::engine
