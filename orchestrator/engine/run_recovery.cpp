#include "orchestrator/engine/run.hpp"

#include <algorithm>
#include <cmath>

/// The recoveries of a run as the record has them: what was measured, what the environment said of
/// itself meanwhile, and what other probes saw of the same disruption.
namespace faultline::engine {
namespace {

Json optional(std::optional<double> x) {
  return x ? Json(*x) : Json();
}

/// What a probe that is about nothing in particular has no word for.
Json named(const std::string& name) {
  return name.empty() ? Json() : Json(name);
}

Json seen_by(const Probe& probe, const slo::Recovery& seen,
             const std::optional<slo::Backlog>& backlog) {
  return {{"probe", probe.name},
          {"connections", probe.on_new_connections() ? "new" : "kept"},
          {"actual_ms", seen.actual_ms},
          {"censored", seen.censored},
          {"symptom_ms", optional(seen.symptom_ms)},
          {"first_success_ms", optional(seen.first_success_ms)},
          {"sustained_ms", optional(seen.sustained_ms)},
          {"drained_ms", optional(backlog ? backlog->drained_ms : std::nullopt)},
          {"resolution_ms", seen.resolution_ms}};
}

}  // namespace

/// The first fault after the one that is counted from, of those that `counts` says; what was
/// injected together with it is no later one.
std::optional<Instant> Run::next_fault(const Objective& objective,
                                       const std::function<bool(std::size_t)>& counts) const {
  const auto& from = objective.expectation.from;
  const auto begun =
      from && !in_.without_faults ? faults_.at(from->index)->effective_at() : std::nullopt;
  std::optional<Instant> next;
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    const auto at = faults_[i]->applied_at();
    if (at && *at > begun.value_or(objective.from) && counts(i)) {
      next = std::min(next.value_or(*at), *at);
    }
  }
  return next;
}

/// The next one of the same thing: a fault of its store, or one that another recovery of the same
/// is counted from.
std::optional<Instant> Run::next_like(const Objective& objective, const std::string& store) const {
  return next_fault(objective, [&](std::size_t index) {
    const auto is_store = [&](const std::string& resource) {
      return !store.empty() && (resource == "cache " + store || resource == "database " + store);
    };
    const auto counts_from_it = [&](const Objective& o) {
      const auto& other = o.expectation;
      return o.recovery && other.subject == objective.expectation.subject && other.from &&
             other.from->index == index;
    };
    return std::ranges::any_of(faults_[index]->plan().resources, is_store) ||
           std::ranges::any_of(objectives_, counts_from_it);
  });
}

/// Until any next fault, which has effects of its own on everybody.
Instant Run::undisturbed_until(const Objective& objective) const {
  const auto capped = objective.from + environment_.recovery_cap;
  return std::min(next_fault(objective, [](std::size_t) { return true; }).value_or(capped), capped);
}

/// Against the latency of the baseline; none without one.
std::optional<slo::Backlog> Run::backlog_of(const Probes::Measured& probe,
                                            const Objective& objective) const {
  if (!measured_from_ || !baseline_until_) {
    return std::nullopt;
  }
  const auto calm = slo::summarize(probe.series, *measured_from_, *baseline_until_);
  if (calm.requests == 0 || !std::isfinite(calm.p50_ms)) {
    return std::nullopt;
  }
  return slo::measure_backlog(probe.series, objective.from,
                              std::min(undisturbed_until(objective), probe.seen_until),
                              slo::backlog_level_ms(calm.p50_ms), sustain);
}

/// Of the other probes that stand where users do.
Json Run::seen_elsewhere(const Objective& objective, const Probes::Measured& shows) const {
  const auto until = undisturbed_until(objective);
  Json all = Json::array();
  for (const auto& other : probes_.all()) {
    if (&other != &shows && other.probe.shows_recovery) {
      all.push_back(
          seen_by(other.probe,
                  observe_recovery(other.series, objective.from, std::min(until, other.seen_until)),
                  backlog_of(other, objective)));
    }
  }
  return all;
}

/// What is declared after a later fault is declared of that.
std::vector<Instant> Run::declared_until(Instant next_fault) const {
  std::vector<Instant> earlier;
  std::ranges::copy_if(declarations_, std::back_inserter(earlier),
                       [&](Instant at) { return at < next_fault; });
  return earlier;
}

Json Run::recovery_of(const Objective& objective, const Probes::Measured& shows) const {
  const auto& probe = shows.probe;
  const auto backlog = backlog_of(shows, objective);
  const auto taken = take_apart(
      {.disruption = objective.from,
       .cap = environment_.recovery_cap,
       .next = next_like(objective, probe.store),
       .of = probe.store.empty() ? probe.service : probe.store,
       .probe = probe.name,
       .measured = *objective.recovery,
       .watched = std::min(objective.to, shows.seen_until) - objective.from,
       .backlog = backlog,
       .backlog_watched = std::min(undisturbed_until(objective), shows.seen_until) - objective.from,
       .declarations = declared_until(undisturbed_until(objective)),
       .told = in_.target.capabilities().contains(std::string(targets::tells_recovery_steps))},
      told_steps_);
  auto out = seen_by(probe, *objective.recovery, backlog);
  const auto kind = environment_.stores.find(probe.store);
  out["store"] = named(probe.store);
  out["store_kind"] = kind == environment_.stores.end() ? Json() : Json(kind->second);
  out["service"] = named(probe.service);
  out["objective_ms"] = to_ms(objective.expectation.over);
  for (const auto* step : {"detected", "decided", "done", "declared"}) {
    out[std::string(step) + "_ms"] = optional(taken.ms(step));
  }
  out["actual_from_declared_ms"] = optional(taken.actual_from_declared_ms);
  out["steps"] = record_of(taken.steps);
  out["also"] = seen_elsewhere(objective, shows);
  out["writes"] = writes_record(shows);
  const auto& fault = objective.expectation.from;
  out["from"] = fault && !in_.without_faults ? Json(faults_.at(fault->index)->id()) : Json();
  timeline_.stamp(out, "disrupted", objective.from);
  return out;
}

Json Run::recoveries() const {
  Json all = Json::array();
  for (const auto& objective : objectives_) {
    const auto* shows =
        objective.recovery ? shows_recovery_of(objective.expectation.subject, probes_) : nullptr;
    if (shows != nullptr) {
      all.push_back(recovery_of(objective, *shows));
    }
  }
  return all;
}

}  // namespace faultline::engine
