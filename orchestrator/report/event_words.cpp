#include "orchestrator/report/event_words.hpp"

#include "orchestrator/report/record.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <functional>

namespace faultline::report {
namespace {

using Words = EventWords (*)(const Json& event);

EventWords started(const Json& e) {
  return {fmt::format("run {}: {} on {} {}", text(e, "id"), text(e, "experiment"),
                      text(e, "environment"), text(e, "profile")),
          Style::strong};
}

EventWords phase(const Json& e) {
  const auto expected = number(e, "expected_ms");
  return {text(e, "phase") + (expected ? ", expected " + brief_ms(*expected) : ""), Style::accent};
}

EventWords heal(const Json& e) {
  const auto moves = texts(e, "moves");
  return {moves.empty() ? "every role was at home" : "brought home: " + list_in_words(moves),
          Style::plain};
}

/// What a fault's event is about: its summary, else its evidence or reason, else its kind.
std::string about(const Json& e) {
  for (const auto* field : {"summary", "evidence", "reason", "fault"}) {
    if (auto words = text(e, field); !words.empty()) {
      return words;
    }
  }
  return "";
}

EventWords fault_applied(const Json& e) {
  return {about(e), Style::warning};
}
EventWords fault_refused(const Json& e) {
  return {about(e), Style::bad};
}
EventWords fault_step(const Json& e) {
  return {about(e), Style::plain};
}
EventWords effect_proved(const Json& e) {
  return {fmt::format("{}: {}", text(e, "fault"), text(e, "evidence")), Style::warning};
}
EventWords effect_missing(const Json& e) {
  return {fmt::format("{}: {}", text(e, "fault"), text(e, "evidence")), Style::bad};
}

EventWords residue(const Json& e) {
  const auto left = texts(e, "differences");
  return left.empty() ? EventWords{"nothing left behind", Style::good}
                      : EventWords{"left behind: " + list_in_words(left), Style::bad};
}

EventWords objective(const Json& e) {
  const auto verdict = text(e, "verdict");
  return {fmt::format("{}: {}", verdict, objective_in_words(Json(), e)),
          verdict == "passed"   ? Style::good
          : verdict == "failed" ? Style::bad
                                : Style::warning};
}

EventWords recovery(const Json& e) {
  const auto target = number(e, "objective_ms");
  const auto actual = number(e, "actual_ms");
  const bool met = actual && target && *actual <= *target && !flag(e, "censored");
  return {fmt::format("{} back after {}, objective {}", text(e, "probe"), recovery_actual(e),
                      target ? brief_ms(*target) : "none"),
          met ? Style::good : Style::bad};
}

/// "orders: detected by db-manager (a-db)".
EventWords recovery_step(const Json& e) {
  return {fmt::format("{}: {} by {} ({})", text(e, "of"), text(e, "step"), text(e, "by"),
                      text(e, "component")),
          Style::accent};
}

EventWords left_out(const Json& e) {
  return {"left out: " + text(e, "fault"), Style::dim};
}

EventWords declared(const Json& e) {
  const auto reason = text(e, "reason");
  return {"declared a disaster" + (reason.empty() ? "" : ": " + reason), Style::warning};
}

EventWords expecting(const Json& e) {
  const auto at_most = number(e, "at_most_ms");
  return {text(e, "objective") + (at_most ? ", known within " + brief_ms(*at_most) : ""),
          Style::plain};
}

EventWords component_died(const Json& e) {
  const bool meant = flag(e, "by_fault");
  const auto how = text(e, "how");
  return {text(e, "component") + (how.empty() ? "" : " " + how) +
              (meant ? ", as the fault wants it" : ", and no fault did it"),
          meant ? Style::plain : Style::bad};
}

EventWords deadline_fired(const Json& e) {
  return {"the target reverted on its own: " + text(e, "action"), Style::bad};
}

EventWords note(const Json& e) {
  return {text(e, "text"), Style::plain};
}
EventWords script_error(const Json& e) {
  return {text(e, "message"), Style::bad};
}
EventWords stop_when(const Json& e) {
  return {"the run is aborted when " + text(e, "condition"), Style::plain};
}
EventWords doubtful(const Json& e) {
  return {text(e, "reason"), Style::warning};
}
EventWords stopped(const Json& e) {
  return {text(e, "reason"), Style::bad};
}

EventWords finished(const Json& e) {
  const auto verdict = text(e, "verdict");
  const auto reason = text(e, "reason");
  return {reason.empty() ? verdict : verdict + ": " + reason, verdict == "passed" ? Style::good
                                                              : verdict == "failed"
                                                                  ? Style::bad
                                                                  : Style::warning};
}

EventWords nothing(const Json&) {
  return {};
}

constexpr std::array<std::pair<std::string_view, Words>, 32> known{{
    {"run_started", started},
    {"phase", phase},
    {"heal", heal},
    {"fault_intended", fault_step},
    {"fault_applied", fault_applied},
    {"fault_refused", fault_refused},
    {"effect_proved", effect_proved},
    {"effect_missing", effect_missing},
    {"effect_gone", effect_missing},
    {"completed", effect_proved},
    {"completion_missing", effect_missing},
    {"fault_reverting", fault_step},
    {"fault_reverted", fault_step},
    {"residue", residue},
    {"objective", objective},
    {"recovery", recovery},
    {"recovery_step", recovery_step},
    {"declared", declared},
    {"left_out", left_out},
    {"expecting", expecting},
    {"component_died", component_died},
    {"deadline_fired", deadline_fired},
    {"action_lifted", doubtful},
    {"target_gone", stopped},
    {"note", note},
    {"script_error", script_error},
    {"stop_when", stop_when},
    {"stop_condition_blind", doubtful},
    {"time_jump", stopped},
    {"stop", stopped},
    {"run_finished", finished},
    {"tick", nothing},
}};

}  // namespace

EventWords in_words(const Json& event) {
  const auto name = text(event, "name");
  for (const auto& [known_name, words] : known) {
    if (known_name == name) {
      return words(event);
    }
  }
  Json rest = event.is_object() ? event : Json::object();
  for (const auto* common : {"t", "offset_ms", "name"}) {
    rest.erase(common);
  }
  return {rest.empty() ? name : rest.dump(-1, ' ', false, Json::error_handler_t::replace),
          Style::plain};
}

}  // namespace faultline::report
