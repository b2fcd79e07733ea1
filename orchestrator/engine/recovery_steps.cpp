#include "orchestrator/engine/recovery_steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace faultline::engine {
namespace {

/// What people call the steps that have an order.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> in_order{
    {{"symptom", "the first symptom"},
     {"detected", "it was detected"},
     {"decided", "it was decided"},
     {"done", "it was done"},
     {"first_success", "the first success"},
     {"sustained", "it was good for long enough"},
     {"drained", "the backlog was drained"}}};

/// The first of `moments` that belongs to the outage.
std::optional<Instant> first_of(const Outage& outage, const std::vector<Instant>& moments) {
  const Instant capped = outage.disruption + outage.cap;
  const Instant until = std::min(outage.next.value_or(capped), capped);
  std::optional<Instant> first;
  for (const auto moment : moments) {
    if (moment >= outage.disruption && moment < until) {
      first = std::min(first.value_or(moment), moment);
    }
  }
  return first;
}

RecoveryStep step_told(const Outage& outage, const std::vector<ToldStep>& told,
                       const std::string& name) {
  const auto is_it = [&](const ToldStep& step) {
    return !outage.of.empty() && step.of == outage.of && step.step == name;
  };
  std::vector<Instant> moments;
  for (const auto& step : told) {
    if (is_it(step)) {
      moments.push_back(step.at);
    }
  }
  const auto at = first_of(outage, moments);
  if (!at) {
    return {name, {}, "", "", outage.told ? "did not happen" : "not told by this environment"};
  }
  const auto step = std::ranges::find_if(
      told, [&](const ToldStep& other) { return is_it(other) && other.at == *at; });
  return {name, to_ms(*at - outage.disruption), step->by, step->component, ""};
}

/// Why a step that the probe would have seen has no time.
std::string unseen(const Outage& outage, std::string_view name) {
  const auto& m = outage.measured;
  if (!m.symptom_ms && m.censored) {
    return "nothing was measured";
  }
  if (!m.symptom_ms && name != "symptom") {
    return "not needed: no request was bad";
  }
  return name == "sustained" ? fmt::format("not within {}", in_words(outage.watched))
                             : "did not happen";
}

RecoveryStep drained(const Outage& outage) {
  if (!outage.backlog) {
    return {"drained", {}, "", "", "not measured: no baseline to compare with"};
  }
  const auto& backlog = *outage.backlog;
  return {"drained", backlog.drained_ms, backlog.drained_ms ? outage.probe : "", "",
          backlog.drained_ms ? ""
          : backlog.began_ms ? fmt::format("not within {}", in_words(outage.backlog_watched))
                             : "not needed: nothing waited"};
}

RecoveryStep step_seen(const Outage& outage, const std::string& name, std::optional<double> ms) {
  return {name, ms, ms ? outage.probe : "", "", ms ? "" : unseen(outage, name)};
}

RecoveryStep declared(const Outage& outage) {
  const auto at = first_of(outage, outage.declarations);
  RecoveryStep step{"declared", {}, "", "", "nobody declared it"};
  if (at) {
    const auto& m = outage.measured;
    step.ms = to_ms(*at - outage.disruption);
    step.note = !m.censored && *step.ms > m.actual_ms ? "after it was over" : "";
  }
  return step;
}

/// Says of a step that it came before one that it should have followed.
void note_order(std::vector<RecoveryStep>& steps) {
  const RecoveryStep* latest = nullptr;
  for (auto& step : steps) {
    if (step.ms && latest != nullptr && *step.ms < *latest->ms) {
      const auto* const words =
          std::ranges::find(in_order, latest->name, [](const auto& pair) { return pair.first; });
      step.note = fmt::format("out of order: before {}", words->second);
    } else if (step.ms) {
      latest = &step;
    }
  }
}

}  // namespace

std::optional<ToldStep> told_step(const targets::Notice& notice) {
  if (notice.name != "recovery_step" || !notice.detail.is_object()) {
    return std::nullopt;
  }
  const auto text = [&notice](const char* field) {
    const auto found = notice.detail.find(field);
    return found != notice.detail.end() && found->is_string() ? found->get<std::string>()
                                                              : std::string();
  };
  ToldStep step{notice.at, text("of"), text("step"), text("by"), text("component")};
  const bool known = step.step == "detected" || step.step == "decided" || step.step == "done";
  return known && !step.of.empty() ? std::optional(std::move(step)) : std::nullopt;
}

std::optional<double> TakenApart::ms(std::string_view name) const {
  const auto found = std::ranges::find(steps, name, &RecoveryStep::name);
  return found == steps.end() ? std::nullopt : found->ms;
}

TakenApart take_apart(const Outage& outage, const std::vector<ToldStep>& told) {
  const auto& m = outage.measured;
  TakenApart taken{{step_seen(outage, "symptom", m.symptom_ms), step_told(outage, told, "detected"),
                    step_told(outage, told, "decided"), step_told(outage, told, "done"),
                    step_seen(outage, "first_success", m.first_success_ms),
                    step_seen(outage, "sustained", m.sustained_ms), drained(outage)},
                   {}};
  note_order(taken.steps);
  taken.steps.push_back(declared(outage));
  const auto& said = taken.steps.back();
  if (said.ms && said.note.empty()) {
    taken.actual_from_declared_ms = m.actual_ms - *said.ms;
  }
  return taken;
}

targets::Json record_of(const std::vector<RecoveryStep>& steps) {
  const auto text = [](const std::string& words) {
    return words.empty() ? targets::Json() : targets::Json(words);
  };
  auto all = targets::Json::array();
  for (const auto& step : steps) {
    all.push_back({{"name", step.name},
                   {"ms", step.ms ? targets::Json(*step.ms) : targets::Json()},
                   {"by", text(step.by)},
                   {"component", text(step.component)},
                   {"note", text(step.note)}});
  }
  return all;
}

}  // namespace faultline::engine
