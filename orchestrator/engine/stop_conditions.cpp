#include "orchestrator/engine/stop_conditions.hpp"

#include "orchestrator/slo/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace faultline::engine {
namespace {

constexpr Duration blind_limit = std::chrono::seconds(2);  // beyond the deadline of a request

double seconds(Duration d) {
  return std::chrono::duration<double>(d).count();
}

/// When the worker said last what it knows: so many were sent by then, answered or waiting.
Instant known_until(const Probes::Measured& probe) {
  const auto sent = static_cast<double>(probe.series.samples().size() + probe.waiting);
  const std::chrono::duration<double> last(std::max(sent - 1, 0.0) / probe.probe.rate_per_s);
  return probe.started + std::chrono::duration_cast<Duration>(last);
}

/// Requests still unanswered whose patience ended in (from, to].
std::uint64_t given_up(const Probes::Measured& probe, Duration patience, Instant from, Instant to) {
  constexpr Duration tick = std::chrono::microseconds(1);  // what workers report in
  const auto first = std::max(from - patience + tick, probe.seen_until);
  const auto end = std::min(to, known_until(probe)) - patience + tick;
  if (end <= first) {
    return 0;
  }
  const auto due = probe.due_before(end) - probe.due_before(first);
  const auto answered = probe.series.between(first, end).size();
  return due <= answered ? 0 : std::min<std::uint64_t>(due - answered, probe.waiting);
}

std::string value_in_words(const StopCondition& c, double value) {
  switch (c.sli) {
    case Sli::good:
      return fmt::format("{:.4g} %", value);
    case Sli::bad:
      return fmt::format("{:.4g} bad/s", value);
    default:
      return std::isinf(value) ? "no answer within that" : fmt::format("{:.4g} ms", value);
  }
}

bool worse(const StopCondition& c, double a, double b) {
  return c.sli == Sli::good ? a < b : a > b;
}

}  // namespace

std::string in_words(const StopCondition& c) {
  const auto over = in_words(c.over);
  switch (c.sli) {
    case Sli::good:
      return fmt::format("{} < {:g} % good over {}", c.subject, c.limit, over);
    case Sli::bad:
      return fmt::format("{} > {:g} bad/s over {}", c.subject, c.limit, over);
    default:
      return fmt::format("{} p{:g} > {:g} ms over {}", c.subject, c.percentile, c.limit, over);
  }
}

std::optional<WindowSeen> seen_in_window(const StopCondition& c, const Probes::Measured& probe,
                                         Instant since, Instant now) {
  const auto from = std::max(now - c.over, since);
  auto patience = probe.probe.threshold;
  if (c.sli == Sli::latency) {  // whoever waits for longer than the limit is past it already
    patience = std::min(patience, std::chrono::duration_cast<Duration>(
                                      std::chrono::duration<double, std::milli>(c.limit)));
  }
  const auto open = given_up(probe, patience, from, now);
  std::vector<double> ms(open, INFINITY);
  std::uint64_t bad = open, good = 0;
  // A worker gives a request up at its deadline; the tick is for those it gave up a little late.
  const auto oldest = from - probe.probe.deadline - std::chrono::seconds(1);
  for (const auto& s : probe.series.between(oldest, now)) {
    const auto known = s.due + s.latency;
    if (known > from && known <= now) {
      bad += slo::is_served(s) ? 0 : 1;
      good += s.result == slo::Class::good ? 1 : 0;
      ms.push_back(slo::latency_ms(s));
    }
  }
  if (ms.empty()) {
    return std::nullopt;
  }
  const auto requests = ms.size();
  switch (c.sli) {
    case Sli::good:
      return WindowSeen{requests, 100 * static_cast<double>(good) / static_cast<double>(requests)};
    case Sli::bad:
      return WindowSeen{requests, static_cast<double>(bad) / seconds(c.over)};
    default:
      return WindowSeen{requests, slo::percentile_ms(std::move(ms), c.percentile)};
  }
}

bool is_met(const StopCondition& c, double value) {
  return worse(c, value, c.limit);
}

void StopConditions::look_at(Watched& w, const Probes& probes, Instant now,
                             std::vector<Finding>& found) {
  const auto& c = w.condition;
  const auto* probe = probes.find(c.subject);
  const auto seen = probe == nullptr ? std::nullopt : seen_in_window(c, *probe, w.since, now);
  ++w.looks;
  if (!seen) {
    ++w.blind;
    const auto words =
        fmt::format("{}: no request was answered or given up within {}, so nothing is known",
                    in_words(c), in_words(c.over));
    if (!w.blind_from) {
      w.blind_from = now;
      found.push_back({.words = words});
    }
    const auto longest = probe == nullptr ? Duration{} : probe->probe.deadline + blind_limit;
    if (!w.lost && now >= *w.blind_from + longest) {
      w.lost = true;
      found.push_back({.lost = true, .words = words});
    }
    return;
  }
  w.blind_from.reset();
  if (!w.worst || worse(c, seen->value, *w.worst)) {
    w.worst = seen->value;
  }
  if (is_met(c, seen->value)) {
    w.met_at = now;
    found.push_back({.met = true,
                     .words = fmt::format("{}: {} of {} requests", in_words(c),
                                          value_in_words(c, seen->value), seen->requests)});
  }
}

std::vector<StopConditions::Finding> StopConditions::look(const Probes& probes, Instant from,
                                                          Instant now) {
  std::vector<Finding> found;
  for (auto& w : all_) {
    w.since = std::max(w.since, from);
    if (now - w.since >= w.condition.over && !w.met_at) {
      look_at(w, probes, now, found);
    }
  }
  return found;
}

Json StopConditions::record(const Timeline& timeline) const {
  Json out = Json::array();
  for (const auto& w : all_) {
    const auto& c = w.condition;
    Json entry = {{"condition", in_words(c)},
                  {"probe", c.subject},
                  {"sli", to_string(c.sli)},
                  {"limit", c.limit},
                  {"unit", c.sli == Sli::good  ? "%"
                           : c.sli == Sli::bad ? "requests/s"
                                               : "ms"},
                  {"window_ms", to_ms(c.over)},
                  {"met", w.met_at.has_value()},
                  {"worst", w.worst && std::isfinite(*w.worst) ? Json(*w.worst) : Json()},
                  {"looks", w.looks},
                  {"looks_without_requests", w.blind}};
    timeline.stamp(entry, "met_at", w.met_at);
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace faultline::engine
