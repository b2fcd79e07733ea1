#include "orchestrator/report/recovery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace faultline::report {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 8> known_steps{
    {{"symptom", "first symptom"},
     {"detected", "detected"},
     {"decided", "decided"},
     {"done", "done"},
     {"first_success", "first success"},
     {"sustained", "sustained"},
     {"drained", "backlog drained"},
     {"declared", "declared"}}};

}  // namespace

std::string RecoveryStep::in_words() const {
  if (!ms) {
    return note.empty() ? "not measured" : note;
  }
  std::string words = brief_ms(*ms);
  words += by.empty() ? "" : " by " + by;
  words += component.empty() ? "" : ": " + component;
  return words + (note.empty() ? "" : ", " + note);
}

std::vector<RecoveryStep> recovery_steps(const Json& recovery) {
  std::vector<RecoveryStep> steps;
  const auto& listed = list(recovery, "steps");
  for (const auto& [field, name] : known_steps) {
    const auto found = std::find_if(listed.begin(), listed.end(),
                                    [name_of = std::string_view(field)](const Json& step) {
                                      return text(step, "name") == name_of;
                                    });
    if (found != listed.end()) {
      steps.push_back({name, number(*found, "ms"), text(*found, "by"), text(*found, "component"),
                       text(*found, "note")});
    } else if (listed.empty()) {
      steps.push_back({name, number(recovery, std::string(field) + "_ms"), "", "", ""});
    }
  }
  return steps;
}

std::string recovery_times(const Json& recovery) {
  std::string words = recovery_actual(recovery);
  const auto objective = number(recovery, "objective_ms");
  words += objective ? ", objective " + brief_ms(*objective) : "";
  if (const auto declared = number(recovery, "actual_from_declared_ms")) {
    words += fmt::format("; {}{} from when it was declared", flag(recovery, "censored") ? "> " : "",
                         brief_ms(*declared));
  }
  if (const auto resolution = number(recovery, "resolution_ms"); resolution && *resolution > 0) {
    words += "; seen every " + brief_ms(*resolution);
    const auto connections = text(recovery, "connections");
    words += connections.empty() ? "" : fmt::format(" on {} connections", connections);
  }
  return words;
}

std::vector<const Json*> recovery_views(const Json& recovery) {
  std::vector<const Json*> views{&recovery};
  for (const auto& also : list(recovery, "also")) {
    views.push_back(&also);
  }
  return views;
}

}  // namespace faultline::report
