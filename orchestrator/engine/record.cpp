#include "orchestrator/engine/run.hpp"

#include <fmt/format.h>

#include <cmath>

/// The run record, schema faultline.run/1: the evidence. Fields that cannot be known are null.
namespace faultline::engine {
namespace {

Json finite(double x) {
  return std::isfinite(x) ? Json(x) : Json();
}

Json series_of(const slo::Series& series, Instant start, Instant from, Instant to) {
  constexpr Duration second = std::chrono::seconds(1);
  Json out = Json::array();
  for (Instant t = from; t < to; t += second) {
    const auto s = slo::summarize(series, t, t + second);
    if (s.requests > 0) {
      out.push_back({{"t_ms", to_ms(t - start)},
                     {"good", s.good},
                     {"degraded", s.degraded},
                     {"bad", s.bad},
                     {"p50_ms", finite(s.p50_ms)},
                     {"p99_ms", finite(s.p99_ms)}});
    }
  }
  return out;
}

Json probe_record(const Probes::Measured& m, Instant start, Instant from) {
  const auto s = slo::summarize(m.series, from, Instant::max());
  const Instant end =
      m.series.samples().empty() ? from : m.series.samples().back().due + Duration(1);
  return {
      {"name", m.probe.name},
      {"requests", s.requests},
      {"good", s.good},
      {"degraded", s.degraded},
      {"bad", s.bad},
      {"errors", s.errors},
      {"p50_ms", finite(s.p50_ms)},
      {"p90_ms", finite(s.p90_ms)},
      {"p99_ms", finite(s.p99_ms)},
      {"p999_ms", finite(s.p999_ms)},
      {"max_ms", finite(s.max_ms)},
      {"uncorrected", {{"p50_ms", finite(s.service_p50_ms)}, {"p99_ms", finite(s.service_p99_ms)}}},
      {"writes", writes_record(m)},
      {"worker_delay_p99_ms", m.finished ? Json(m.delay_p99_ms) : Json()},
      {"series", series_of(m.series, start, from, end)}};
}

/// The first bad request after the first disruption: what a user felt first. Probes that stand on
/// another side of the fault than users do not count.
Json first_symptom(const Probes& probes, Instant disruption) {
  const slo::Sample* first = nullptr;
  const Probes::Measured* where = nullptr;
  for (const auto& m : probes.all()) {
    if (!m.probe.shows_recovery) {
      continue;
    }
    for (const auto& sample : m.series.samples()) {
      if (sample.due >= disruption && sample.result == slo::Class::bad &&
          (first == nullptr || sample.due < first->due)) {
        first = &sample;
        where = &m;
      }
    }
  }
  if (first == nullptr) {
    return {};
  }
  return {{"probe", where->probe.name},
          {"error", where->series.error_name(first->error)},
          {"after_ms", to_ms(first->due - disruption)}};
}

}  // namespace

/// With the faults that needed one: none, when nothing did.
Json Run::approvals() const {
  Json all = Json::array();
  for (const auto& approval : in_.approvals) {
    Json given = {
        {"who", approval.who}, {"reason", approval.reason}, {"faults", ledger_.approved()}};
    timeline_.stamp(given, "at", timeline_.start());
    all.push_back(std::move(given));
  }
  return all;
}

Json Run::record() const {
  const auto& x = in_.experiment;
  const auto from = measured_from_.value_or(timeline_.start());
  Json out = {{"schema", "faultline.run/1"},
              {"id", in_.id},
              {"experiment", x.name},
              {"title", x.title},
              {"hypothesis", x.hypothesis},
              {"owner", x.owner},
              {"tags", x.tags},
              {"runbook", x.runbook},
              {"params", x.params},
              {"seed", in_.seed},
              {"without_faults", in_.without_faults},
              {"environment", in_.environment.name},
              {"profile", in_.profile},
              {"operator", in_.operator_name},
              {"approvals", approvals()},
              {"script_sha256", x.sha256},
              {"environment_sha256", in_.environment.sha256},
              {"versions", {{"faultline", FAULTLINE_VERSION}}},
              {"verdict", to_string(life_.verdict())},
              {"reason", life_.reason()},
              {"exit_code", life_.exit_code()},
              {"phases", phases_},
              {"events", timeline_.events()}};
  timeline_.stamp(out, "started", timeline_.start());
  const bool at_its_end = life_.phase() >= Phase::report;
  timeline_.stamp(out, "finished", at_its_end ? std::optional(in_.clock.now()) : std::nullopt);
  out["stop_conditions"] = stop_conditions_.record(timeline_);
  for (const auto* list : {"faults", "objectives", "probes"}) {
    out[list] = Json::array();
  }
  for (const auto& fault : faults_) {
    out["faults"].push_back(fault->record());
  }
  for (const auto& objective : objectives_) {
    out["objectives"].push_back(objective.record());
  }
  out["recovery"] = recoveries();
  for (const auto& measured : probes_.all()) {
    out["probes"].push_back(probe_record(measured, timeline_.start(), from));
  }
  out["components"] = usage_.record();
  out["machine"] = machine_.record();
  const bool disrupted = !faults_.empty() && faults_.front()->applied_at();
  out["first_symptom"] =
      disrupted ? first_symptom(probes_, *faults_.front()->applied_at()) : Json();
  return out;
}

}  // namespace faultline::engine
