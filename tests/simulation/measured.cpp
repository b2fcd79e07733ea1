#include "tests/simulation/measured.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace faultline::simulation {

using namespace std::chrono_literals;
using engine::Expectation;
using engine::Json;
using engine::Sli;

namespace {

// Few requests in short windows: there are thousands of runs.
constexpr double rate_per_s = 20;
constexpr Duration warm_up = 500ms;
constexpr Duration baseline = 2s;
constexpr Duration settle = 500ms;
constexpr Duration recovery_cap = 5s;
constexpr double steady_percent = 95;
constexpr auto users = "shop", writer = "sessions_writer", store = "sessions";

// What the engine says of itself: orchestrator/engine/probes.cpp, arrivals.cpp, objectives.cpp.
constexpr double least_sent = 0.98;
constexpr double tolerated_lies = 0.02, tolerated_lies_s = 2;
constexpr Duration sustained = 1s;

constexpr double edge = 2;  // requests that may count to either side of a window's ends
/// A window of a second, a look at it five times a second, and the time of a report.
constexpr Duration overlooked = 2s;

engine::Probe probe(const std::string& name, const std::string& kind) {
  engine::Probe p;
  p.name = name;
  p.kind = kind;
  p.args = Json::object();
  p.rate_per_s = rate_per_s;
  p.threshold = p.deadline = 1s;
  return p;
}

Duration ms(const Json& value) {
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double, std::milli>(value.get<double>()));
}

std::optional<Duration> phase_started(const Json& record, const std::string& name) {
  for (const auto& phase : record["phases"]) {
    if (phase["name"] == name) {
      return ms(phase["started_offset_ms"]);
    }
  }
  return std::nullopt;
}

/// Where the window of an objective begins.
Instant window_start(const Json& record, const Json& objective, Instant begun, const Traffic& t) {
  if (objective["phase"] == "baseline") {
    return t.started + warm_up;
  }
  return begun + (objective["phase"] == "verify"
                      ? phase_started(record, "verify").value() + settle
                      : ms(record["faults"].at(0)["applied_at_offset_ms"]));
}

/// What nobody told of may have been good or bad: a pass must hold in the one case, and a failure
/// in the other.
bool good_is_true(const Json& objective, Instant from, const Traffic& t) {
  const auto to = from + ms(objective["window_ms"]);
  double good = 0, bad = 0;
  for (const auto& r : t.requests) {
    if (r.told && r.due >= from && r.due < to) {
      ++(r.bad ? bad : good);
    }
  }
  const double due = std::max(good + bad, std::round(t.rate_per_s * to_ms(to - from) / 1000));
  const double wanted = objective["objective"].get<double>() / 100 * due;
  return objective["verdict"] == "passed" ? good + edge >= wanted : due - bad - edge < wanted;
}

/// When users were served again for good; zero when nothing failed before `until`, none when they
/// never were.
std::optional<Duration> back_after(const Traffic& t, Instant from, Instant until) {
  constexpr auto never = Instant::max();
  bool felt = false;
  Instant since = never;
  for (const auto& r : t.requests) {
    const bool in_vain = !felt && r.due >= until;
    if (in_vain || (since != never && r.due - since >= sustained)) {
      break;
    }
    if (!r.told || r.due < from) {
      continue;
    }
    felt = felt || r.bad;
    if (r.bad) {
      since = never;
    } else if (felt && since == never) {
      since = r.due;
    }
  }
  if (!felt) {
    return Duration();
  }
  return since == never ? std::nullopt : std::optional<Duration>(since - from);
}

bool recovery_is_true(const Json& objective, Instant from, const Traffic& t) {
  const auto within = ms(objective["objective"]);
  const bool passed = objective["verdict"] == "passed";
  const auto back = back_after(t, from, from + (passed ? within + sustained : recovery_cap));
  return passed == (back && *back <= within);
}

bool is_true(const Json& record, const Json& objective, Instant begun, const Traffic& t) {
  const auto from = window_start(record, objective, begun, t);
  if (objective["sli"] == "lost") {
    const bool kept = static_cast<double>(t.lost_writes) <= objective["objective"].get<double>();
    return (objective["verdict"] == "passed") == kept;
  }
  return objective["sli"] == "recovery" ? recovery_is_true(objective, from, t)
                                        : good_is_true(objective, from, t);
}

/// Why what the worker said proves nothing.
std::string distrust(const Traffic& t) {
  using Kind = Trouble::Kind;
  if (t.trouble == Kind::dies || t.trouble == Kind::silent || t.trouble == Kind::late) {
    return "died, was not heard any more, or ran late";
  }
  const auto told = std::ranges::count(t.requests, true, &Traffic::Request::told);
  if (static_cast<double>(told) + edge < least_sent * static_cast<double>(t.requests.size())) {
    return fmt::format("sent {} of {} requests", told, t.requests.size());
  }
  const auto good = static_cast<double>(t.good);
  const double lies = std::max(tolerated_lies * good, tolerated_lies_s * t.rate_per_s);
  if (good > static_cast<double>(t.arrived) + lies) {
    return fmt::format("told of {} good answers, and sent {} requests", t.good, t.arrived);
  }
  return {};
}

/// Whether the stop condition was met for so long that it must have been seen.
bool was_to_stop(const Json& record, Instant begun, const Traffic& t) {
  const auto until = begun + phase_started(record, "recover").value();
  std::optional<Instant> since;
  for (const auto& r : t.requests) {
    if (!r.bad || r.due < t.started + warm_up || r.due >= until) {
      since.reset();
    } else if (r.due - since.value_or(r.due) >= overlooked) {
      return true;
    } else {
      since = since.value_or(r.due);
    }
  }
  return false;
}

}  // namespace

engine::Environment environment(const std::optional<Measured>& measured) {
  engine::Environment e;
  e.name = "simulated";
  e.staging = true;
  e.guardrails.concurrent_faults = 2;
  if (!measured) {
    return e;
  }
  e.client_deadline = 1s;
  e.warm_up = warm_up;
  e.baseline = baseline;
  e.settle = settle;
  e.recovery_cap = recovery_cap;
  e.probes[users] = probe(users, "http");
  e.probes[users].args = {{"host", World::address}, {"port", World::port}};
  e.probes[writer] = probe(writer, "redis_writes");
  e.probes[writer].store = store;
  Expectation steady;
  steady.subject = users;
  steady.threshold = steady_percent;
  e.objectives["steady"] = steady;
  return e;
}

void watch(engine::Stage& stage, const Measured& measured) {
  if (measured.stop_condition) {
    engine::StopCondition half;
    half.subject = users;
    half.limit = 50;
    stage.stop_when(half);
  }
}

void expect(engine::Stage& stage, const Measured& measured, engine::FaultId first) {
  Expectation good;
  good.subject = users;
  good.threshold = measured.good_percent;
  good.from = first;
  good.over = measured.over;
  stage.expect(good);
  Expectation back;
  back.sli = Sli::recovery;
  back.subject = store;
  back.from = first;
  back.over = measured.back_within;
  stage.expect(back);
  Expectation lost;
  lost.sli = Sli::lost;
  lost.subject = store;
  stage.expect(lost);
}

std::vector<std::string> belied(const Json& record, Instant begun,
                                const std::list<Traffic>& traffic) {
  std::set<std::string> phases;
  for (const auto& objective : record["objectives"]) {
    phases.insert(objective["phase"].get<std::string>());
  }
  if (!phases.contains("method") || !phases.contains("baseline") || !phases.contains("verify")) {
    return {"a decided run judged nothing in the baseline, in the method or at the end"};
  }
  std::vector<std::string> found;
  for (const auto& objective : record["objectives"]) {
    const bool of_users = objective["probe"] == users;
    const auto measured = std::ranges::find(traffic, !of_users, &Traffic::writes);
    if (measured == traffic.end() || !is_true(record, objective, begun, *measured)) {
      found.push_back(fmt::format("the traffic belies {}", objective.dump()));
    }
  }
  for (const auto& t : traffic) {
    if (const auto why = distrust(t); !why.empty()) {
      found.push_back(fmt::format("a decided run, and the worker of {} {}", t.probe, why));
    }
    if (!t.writes && !record["stop_conditions"].empty() && was_to_stop(record, begun, t)) {
      found.push_back("a decided run, and its stop condition was met for 2 s");
    }
  }
  return found;
}

}  // namespace faultline::simulation
