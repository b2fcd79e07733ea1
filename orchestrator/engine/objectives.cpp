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

std::string sli_name(Sli sli) {
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

const Probes::Measured* probe_of(const Expectation& e, const Probes& probes) {
  return e.sli == Sli::recovery || e.sli == Sli::lost ? probes.writer(e.subject)
                                                      : probes.find(e.subject);
}

double percentile(const slo::Series& series, Instant from, Instant to, double p) {
  std::vector<double> ms;
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

void judge_requests(Objective& o, const Probes::Measured& m, bool final) {
  const auto& e = o.expectation;
  o.summary = slo::summarize(m.series, o.from, o.to);
  const auto& s = *o.summary;
  const bool complete = m.seen_until >= o.to;
  const auto decide = [&](bool holds) {
    o.decision =
        complete || final ? (holds ? Decision::holds : Decision::broken) : Decision::undecided;
  };
  switch (e.sli) {
    case Sli::good:
      o.measured = s.good_percent();
      o.decision = complete || final
                       ? (*o.measured >= e.threshold ? Decision::holds : Decision::broken)
                       : slo::decide_good(m.series, o.from, o.to, m.seen_until, e.threshold,
                                          static_cast<std::uint64_t>(m.probe.rate_per_s *
                                                                     to_ms(o.to - o.from) / 1000));
      break;
    case Sli::served:
      o.measured = s.requests == 0 ? 0
                                   : 100.0 * static_cast<double>(s.good + s.degraded) /
                                         static_cast<double>(s.requests);
      decide(*o.measured >= e.threshold);
      break;
    case Sli::latency:
      o.measured = percentile(m.series, o.from, o.to, e.percentile);
      decide(*o.measured <= e.threshold);
      break;
    case Sli::bad:
      o.measured = static_cast<double>(s.bad);
      decide(*o.measured <= e.threshold);
      break;
    default:
      break;
  }
  if (o.decision != Decision::undecided && s.requests == 0) {
    o.decision = Decision::undecided;
    o.reason = fmt::format("{}: no requests were measured in the window", o.name);
  }
}

void judge_recovery(Objective& o, const Probes::Measured& m, bool final) {
  const auto until = std::min(m.seen_until, o.to);
  o.recovery = slo::measure_recovery(m.series, o.from, until, sustain);
  const auto& r = *o.recovery;
  o.measured = r.actual_ms;
  const double objective_ms = to_ms(o.expectation.over);
  const bool watched_long_enough = until >= o.from + o.expectation.over + sustain;
  if (r.sustained_ms || (!r.symptom_ms && (watched_long_enough || final))) {
    o.decision = r.actual_ms <= objective_ms ? Decision::holds : Decision::broken;
  } else if (until >= o.to || final) {
    o.decision = Decision::broken;
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
      {"sli", sli_name(expectation.sli)},
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
