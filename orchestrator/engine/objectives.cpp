#include "orchestrator/engine/objectives.hpp"

#include <fmt/format.h>

#include <cmath>

namespace faultline::engine {
namespace {

using slo::Decision;

constexpr Duration sustain = std::chrono::seconds(1);  // one good answer alone is no recovery

std::string unit_of(Sli sli) {
  switch (sli) {
    case Sli::good:
    case Sli::served:
      return "%";
    case Sli::latency:
    case Sli::recovery:
      return "ms";
    case Sli::bad:
      return "requests";
    case Sli::lost:
      return "writes";
  }
  return "";
}

const Probes::Measured* probe_of(const Expectation& e, const Probes& probes) {
  return e.sli == Sli::recovery || e.sli == Sli::lost ? probes.writer(e.subject)
                                                      : probes.find(e.subject);
}

/// With `missing` requests more, each of which took `missing_ms`.
double percentile(const slo::Series& series, Instant from, Instant to, double p,
                  std::uint64_t missing = 0, double missing_ms = 0) {
  std::vector<double> ms(missing, missing_ms);
  for (const auto& s : series.between(from, to)) {
    ms.push_back(s.result == slo::Class::bad ? INFINITY : to_ms(s.latency));
  }
  if (ms.empty()) {
    return INFINITY;
  }
  const auto rank = static_cast<std::size_t>(std::ceil(p / 100 * static_cast<double>(ms.size())));
  const auto nth = std::min(std::max<std::size_t>(rank, 1), ms.size()) - 1;
  std::nth_element(ms.begin(), ms.begin() + static_cast<std::ptrdiff_t>(nth), ms.end());
  return ms[nth];
}

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

/// What is measured, if of `missing` further requests all were good, or all bad.
double value_of(const Objective& o, const Probes::Measured& m, std::uint64_t missing,
                bool they_are_good) {
  const auto& e = o.expectation;
  const auto& s = *o.summary;
  const auto more_good = they_are_good ? missing : 0;
  switch (e.sli) {
    case Sli::good:
      return percent(s.good + more_good, s.requests + missing);
    case Sli::served:
      return percent(s.good + s.degraded + more_good, s.requests + missing);
    case Sli::latency:
      return percentile(m.series, o.from, o.to, e.percentile, missing,
                        they_are_good ? 0 : INFINITY);
    default:
      return static_cast<double>(s.bad + missing - more_good);
  }
}

bool keeps(const Expectation& e, double value) {
  return e.sli == Sli::good || e.sli == Sli::served ? value >= e.threshold : value <= e.threshold;
}

/// At the end of the window. What was due and never reported may have been anything: where that
/// could change the answer, there is none.
void decide(Objective& o, const Probes::Measured& m) {
  const auto due = m.due_before(o.to) - m.due_before(o.from);
  const auto seen = o.summary->requests;
  const auto missing = due > seen + 1 ? due - seen : 0;  // at either edge one may be rounded away
  if (seen == 0) {
    o.reason = fmt::format("{}: no requests were measured in the window", o.name);
  } else if (keeps(o.expectation, value_of(o, m, missing, false))) {
    o.decision = Decision::holds;
  } else if (!keeps(o.expectation, value_of(o, m, missing, true))) {
    o.decision = Decision::broken;
  } else {
    o.reason =
        fmt::format("{}: too few samples: {} of {} requests were measured", o.name, seen, due);
  }
}

void judge_requests(Objective& o, const Probes::Measured& m, bool final) {
  o.summary = slo::summarize(m.series, o.from, o.to);
  o.measured = value_of(o, m, 0, true);
  if (m.seen_until >= o.to || final) {
    return decide(o, m);
  }
  if (o.expectation.sli == Sli::good) {
    o.decision = slo::decide_good(
        m.series, o.from, o.to, m.seen_until, o.expectation.threshold,
        static_cast<std::uint64_t>(m.probe.rate_per_s * to_ms(o.to - o.from) / 1000));
  }
}

void judge_recovery(Objective& o, const Probes::Measured& m, bool final) {
  const auto until = std::min(m.seen_until, o.to);
  o.recovery = slo::measure_recovery(m.series, o.from, until, sustain);
  const auto& r = *o.recovery;
  o.measured = r.actual_ms;
  const bool in_time = r.actual_ms <= to_ms(o.expectation.over);
  const bool watched_long_enough =
      until >= std::min(o.from + o.expectation.over + sustain, o.to) && r.resolution_ms > 0;
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

std::string worst_error(const slo::Summary& s) {
  std::string worst;
  std::uint64_t most = 0;
  for (const auto& [name, count] : s.errors) {
    if (count > most) {
      worst = name;
      most = count;
    }
  }
  return worst.empty() ? "" : fmt::format(", most of them '{}'", worst);
}

std::string broken_in_words(const Objective& o) {
  const auto& e = o.expectation;
  switch (e.sli) {
    case Sli::good:
    case Sli::served:
      return fmt::format("{}: {:.2f} % of {} requests, {} bad in {} s{}", o.name, *o.measured,
                         o.summary->requests, o.summary->bad, o.summary->bad_seconds,
                         worst_error(*o.summary));
    case Sli::latency:
      return std::isinf(*o.measured) ? fmt::format("{}: among the bad requests", o.name)
                                     : fmt::format("{}: {:.4g} ms", o.name, *o.measured);
    case Sli::bad:
      return fmt::format("{}: {:.0f} bad{}", o.name, *o.measured, worst_error(*o.summary));
    case Sli::recovery:
      return fmt::format("{}: {}{}", o.name, o.recovery->censored ? "> " : "",
                         in_words(std::chrono::milliseconds(std::llround(*o.measured))));
    case Sli::lost:
      return fmt::format("{}: {:.0f} lost of {} acknowledged", o.name, *o.measured,
                         o.writes->acknowledged);
  }
  return o.name;
}

std::string limit_in_words(const Expectation& e) {
  const auto ms = fmt::format("{:.4g} ms", e.threshold);
  return !e.versus ? fmt::format("{:.6g} ms", e.threshold)
                   : fmt::format("max({:g} x baseline, baseline + {}){}", e.versus->times,
                                 in_words(e.versus->plus), e.threshold > 0 ? " = " + ms : "");
}

}  // namespace

std::string_view to_string(Sli sli) {
  switch (sli) {
    case Sli::good:
      return "good";
    case Sli::served:
      return "served";
    case Sli::latency:
      return "latency";
    case Sli::bad:
      return "bad";
    case Sli::recovery:
      return "recovery";
    case Sli::lost:
      return "lost";
  }
  return "";
}

Result<Expectation> against_baseline(Expectation e, const Probes& probes, Instant from,
                                     Instant to) {
  const auto* measured = probes.find(e.subject);
  if (!e.versus || measured == nullptr) {
    return e;
  }
  const auto requests = measured->series.between(from, to).size();
  const auto needed = slo::requests_to_express(e.percentile);
  const double baseline = percentile(measured->series, from, to, e.percentile);
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

std::string in_words(const Expectation& e) {
  const std::string over = e.over > Duration::zero() ? " over " + in_words(e.over) : "";
  switch (e.sli) {
    case Sli::good:
      return fmt::format("{} >= {:.6g} % good{}", e.subject, e.threshold, over);
    case Sli::served:
      return fmt::format("{} >= {:.6g} % served{}", e.subject, e.threshold, over);
    case Sli::latency:
      return fmt::format("{} p{:.4g} <= {}{}", e.subject, e.percentile, limit_in_words(e), over);
    case Sli::bad:
      return fmt::format("{} <= {:.0f} bad{}", e.subject, e.threshold, over);
    case Sli::recovery:
      return fmt::format("{} writable again within {}", e.subject, in_words(e.over));
    case Sli::lost:
      return fmt::format("{} <= {:.0f} acknowledged writes lost", e.subject, e.threshold);
  }
  return e.subject;
}

Objective judge(const Expectation& expectation, const Probes& probes,
                const Environment& environment, Instant from, Instant to, bool final) {
  Objective o;
  o.expectation = expectation;
  o.name = in_words(expectation);
  o.from = from;
  o.to = expectation.sli == Sli::recovery ? from + environment.recovery_cap : to;
  o.unit = unit_of(expectation.sli);
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

Json Objective::record() const {
  const auto finite = [](std::optional<double> x) {
    return x && std::isfinite(*x) ? Json(*x) : Json();
  };
  const bool counts = expectation.sli == Sli::good || expectation.sli == Sli::served;
  const auto kept = [this] {
    return summary->good + (expectation.sli == Sli::served ? summary->degraded : 0);
  };
  Json out = {
      {"name", name},
      {"sli", to_string(expectation.sli)},
      {"probe", expectation.subject},
      {"objective",
       expectation.sli == Sli::recovery ? to_ms(expectation.over) : expectation.threshold},
      {"measured", finite(measured)},
      {"unit", unit},
      {"samples", summary  ? Json(summary->requests)
                  : writes ? Json(writes->acknowledged)
                           : Json()},
      {"bad", summary ? Json(summary->bad) : Json()},
      {"bad_seconds", summary ? Json(summary->bad_seconds) : Json()},
      {"bound_95",
       counts && summary ? Json(slo::established_percent(kept(), summary->requests)) : Json()},
      {"window_ms", to_ms(to - from)},
      {"phase", phase},
      {"verdict", decision == Decision::holds    ? "passed"
                  : decision == Decision::broken ? "failed"
                                                 : "inconclusive"},
      {"reason", reason}};
  if (counts && summary && summary->requests > 0) {
    const double rate = static_cast<double>(summary->requests) / (to_ms(to - from) / 1000);
    out["budget_28d_percent"] =
        slo::budget_burned_percent(expectation.threshold, summary->bad, rate);
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

Json recovery_record(const Objective& o, const Probes::Measured& writer) {
  const auto optional = [](std::optional<double> x) { return x ? Json(*x) : Json(); };
  const auto& r = *o.recovery;
  return {{"probe", writer.probe.name},
          {"store", writer.probe.store},
          {"store_kind", writer.probe.kind == "sql_writes" ? "database" : "cache"},
          {"objective_ms", to_ms(o.expectation.over)},
          {"actual_ms", r.actual_ms},
          {"censored", r.censored},
          {"symptom_ms", optional(r.symptom_ms)},
          {"detected_ms", nullptr},
          {"decided_ms", nullptr},
          {"first_success_ms", optional(r.first_success_ms)},
          {"sustained_ms", optional(r.sustained_ms)},
          {"drained_ms", nullptr},
          {"declared_ms", nullptr},
          {"resolution_ms", r.resolution_ms},
          {"writes", writes_record(writer)}};
}

}  // namespace faultline::engine
