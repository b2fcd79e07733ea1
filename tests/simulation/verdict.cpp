#include "tests/simulation/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faultline::simulation {

using engine::Json;

namespace {

using Found = std::vector<std::string>;

/// A run with one of these proves nothing, whatever else was found.
constexpr auto take_the_proof_away = {
    "stop",         "effect_missing", "effect_gone",   "deadline_fired", "action_lifted",
    "script_error", "time_jump",      "fault_refused", "component_died", "owner_lost"};

bool takes_the_proof_away(const Json& event) {
  return std::find(std::begin(take_the_proof_away), std::end(take_the_proof_away),
                   event["name"].get<std::string>()) != std::end(take_the_proof_away);
}

/// By the exit codes of DESIGN: 5 is whatever the verdict, when an undo is incomplete.
bool fits(const std::string& verdict, int exit_code) {
  return exit_code == (verdict == "passed"    ? 0
                       : verdict == "failed"  ? 1
                       : exit_code == 5       ? 5
                       : verdict == "aborted" ? 4
                                              : 3);
}

void check_form(const engine::RunResult& result, Found& found) {
  const auto& record = result.record;
  for (const auto* field : {"schema", "id", "verdict", "reason", "started", "finished", "phases",
                            "faults", "objectives", "recovery", "probes", "events"}) {
    if (!record.contains(field) || record[field].is_null()) {
      found.push_back(fmt::format("the record has no {}", field));
    }
  }
  const auto verdict = record.value("verdict", "");
  if (!fits(verdict, result.exit_code)) {
    found.push_back(fmt::format("exit code {} with verdict {}", result.exit_code, verdict));
  }
  const auto reason = record.value("reason", "");
  if (reason.empty() != (verdict == "passed")) {
    found.push_back(fmt::format("verdict {} for the reason '{}'", verdict, reason));
  }
}

/// The first that asked a run to stop decides what it is, and nobody else aborts one.
void check_stop(const Json& record, const Truth& truth, Found& found) {
  const auto& events = record["events"];
  const auto stop = std::find_if(events.begin(), events.end(),
                                 [](const Json& event) { return event["name"] == "stop"; });
  const auto reason = stop == events.end() ? "" : (*stop)["reason"].get<std::string>();
  const bool by_condition = reason.starts_with("stop condition met");
  const bool asked = !reason.empty() && reason == truth.asked_to_stop;
  if ((record["verdict"] == "aborted") != (asked || by_condition)) {
    found.push_back(fmt::format("{}, and first it was told to stop for '{}'",
                                record["verdict"].dump(), reason));
  }
  const bool felt = std::ranges::any_of(truth.traffic, [](const Traffic& t) {
    return !t.writes && std::ranges::count(t.requests, true, &Traffic::Request::bad) > 0;
  });
  if (by_condition && !felt) {
    found.push_back("a stop condition was met, and no request failed: " + reason);
  }
}

/// Of two faults on one thing nobody can say which is seen there.
bool shares(const Json& fault, const Json& faults) {
  return std::any_of(faults.begin(), faults.end(), [&](const Json& other) {
    const auto& mine = fault["resources"];
    const auto& theirs = other["resources"];
    return other["id"] != fault["id"] &&
           std::find_first_of(mine.begin(), mine.end(), theirs.begin(), theirs.end()) != mine.end();
  });
}

void check_fault(const Json& fault, const Json& faults, const Truth& truth, Found& found) {
  const auto id = fault["id"].get<std::string>();
  const auto& effect = fault["effect"];
  if (!effect["proved"].get<bool>() || !effect["gone"].is_null() || fault["state"] != "reverted" ||
      !fault["residue"].empty()) {
    found.push_back(fmt::format("a decided run, and {} was {}, its effect {}", id,
                                fault["state"].dump(), effect.dump()));
  }
  const bool was = std::ranges::any_of(
      truth.in_force, [&](const std::string& action) { return action.starts_with(id + "."); });
  if (!was && !shares(fault, faults)) {
    found.push_back(fmt::format("a decided run, and {} never was in force", id));
  }
}

/// What "passed" and "failed" stand for.
void check_decided(const Json& record, const Truth& truth, Found& found) {
  if (!truth.spoiled.empty()) {
    found.push_back(fmt::format("{}, although {}", record["verdict"].dump(), truth.spoiled));
  }
  if (record["faults"].empty()) {
    found.push_back("a decided run, and nothing was injected");
  }
  for (const auto& fault : record["faults"]) {
    check_fault(fault, record["faults"], truth, found);
  }
  for (const auto& event : record["events"]) {
    if (takes_the_proof_away(event)) {
      found.push_back(fmt::format("a decided run, with the event {}", event.dump()));
    }
  }
  bool missed = false;  // an objective
  for (const auto& objective : record["objectives"]) {
    missed = missed || objective["verdict"] == "failed";
    if (objective["verdict"] == "inconclusive") {
      found.push_back(fmt::format("a decided run, and nobody knows of {}", objective.dump()));
    }
  }
  if (missed != (record["verdict"] == "failed")) {
    found.push_back(
        fmt::format("{}, and an objective was missed: {}", record["verdict"].dump(), missed));
  }
  if (truth.measured && found.empty()) {
    std::ranges::move(belied(record, truth.begun, truth.traffic), std::back_inserter(found));
  }
}

}  // namespace

std::vector<std::string> contradictions(const engine::RunResult& result, const Truth& truth) {
  Found found;
  check_form(result, found);
  if (!found.empty()) {
    return found;
  }
  check_stop(result.record, truth, found);
  const auto& verdict = result.record["verdict"];
  if (verdict == "passed" || verdict == "failed") {
    check_decided(result.record, truth, found);
  }
  return found;
}

}  // namespace faultline::simulation
