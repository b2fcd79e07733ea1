#include "orchestrator/report/verdict.hpp"

#include "orchestrator/report/record.hpp"
#include "orchestrator/report/terminal_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace faultline::report {
namespace {

/// What the first fault did: what "after" refers to.
std::string first_cause(const Json& record) {
  const Json* first = nullptr;
  for (const auto& fault : list(record, "faults")) {
    const auto applied = offset_ms(fault, "applied_at");
    if (applied && (first == nullptr || *applied < *offset_ms(*first, "applied_at"))) {
      first = &fault;
    }
  }
  if (first == nullptr) {
    return "the disruption";
  }
  const auto& actions = list(*first, "actions");
  return actions.empty() ? text(*first, "fault") : text(actions.front(), "summary");
}

std::string top_error(const Json& record, std::string_view probe_name) {
  std::string top;
  double most = 0;
  for (const auto& probe : list(record, "probes")) {
    if (text(probe, "name") != probe_name) {
      continue;
    }
    for (const auto& [name, count] : object(probe, "errors").items()) {
      if (count.is_number() && count.get<double>() > most) {
        most = count.get<double>();
        top = name;
      }
    }
  }
  return top;
}

/// Where the cause of a miss shows, by what was promised.
std::string look_at(const Json& record, const Json& objective) {
  const auto sli = text(objective, "sli");
  std::vector<std::string> places;
  if (sli == "recovery") {
    const auto& recovery = recovery_of(record, text(objective, "probe"));
    places.push_back(text(recovery, "store_kind") == "cache" ? "sentinel logs"
                                                             : "the failover manager's log");
  } else if (sli == "lost") {
    places.push_back("the replication settings and the writes accounting");
  } else if (sli == "latency") {
    places.push_back(fmt::format("the p{:g} of {} over time",
                                 number(objective, "percentile").value_or(99),
                                 text(objective, "probe")));
  } else if (const auto error = top_error(record, text(objective, "probe")); !error.empty()) {
    places.push_back(fmt::format("the logs behind '{}' of {}", error, text(objective, "probe")));
  }
  places.push_back(fmt::format("`faultline show {}`", text(record, "id")));
  return fmt::format("{}", fmt::join(places, ", "));
}

std::string failed_words(const Json& record) {
  const Json* first = nullptr;
  std::size_t others = 0;
  for (const auto& objective : list(record, "objectives")) {
    if (text(objective, "verdict") == "failed") {
      others += first == nullptr ? 0 : 1;
      first = first == nullptr ? &objective : first;
    }
  }
  if (first == nullptr) {
    return fmt::format("{}; look at: `faultline show {}`", text(record, "reason"),
                       text(record, "id"));
  }
  std::string words = objective_in_words(record, *first);
  if (others > 0) {
    words += fmt::format(" (and {} more)", others);
  }
  if (const auto symptom = first_symptom(record); !symptom.empty()) {
    words += "; first symptom: " + symptom;
  }
  return words + "; look at: " + look_at(record, *first);
}

std::string passed_words(const Json& record) {
  std::vector<std::string> parts;
  if (const auto good = worst_good_percent(record)) {
    const auto& worst = worst_share(record);
    parts.push_back(
        fmt::format("{}{} {} at worst", worst.is_null() ? "" : text(worst, "probe") + " ",
                    brief(*good, "%"), text(worst, "sli") == "served" ? "served" : "good"));
  }
  if (const auto& recovery = worst_recovery(record); !recovery.is_null()) {
    const auto objective = number(recovery, "objective_ms");
    parts.push_back(fmt::format("{} back in {}{}", recovery_subject(recovery),
                                recovery_actual(recovery),
                                objective ? ", objective " + brief_ms(*objective) : ""));
  }
  if (const auto lost = lost_writes(record)) {
    const bool judged = std::ranges::any_of(list(record, "objectives"), [](const Json& objective) {
      return text(objective, "sli") == "lost";
    });
    parts.push_back(fmt::format("{} acknowledged writes lost{}", grouped(*lost),
                                judged || *lost == 0 ? "" : ", which nothing here judges"));
  }
  return parts.empty() ? "the fault took hold, and nothing is left of it"
                       : fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace

std::string first_symptom(const Json& record) {
  const auto& symptom = object(record, "first_symptom");
  const auto after = number(symptom, "after_ms");
  if (!after) {
    return "";
  }
  return fmt::format("{}: {}, {} after: {}", text(symptom, "probe"), text(symptom, "error"),
                     brief_ms(*after), first_cause(record));
}

std::string last_line(const Json& record) {
  const auto verdict = text(record, "verdict");
  const auto name = text(record, "experiment");
  const auto reason = text(record, "reason");
  std::string line;
  if (verdict == "passed") {
    line = fmt::format("PASSED {}: {}", name, passed_words(record));
  } else if (verdict == "failed") {
    line = fmt::format("FAILED {}: {}", name, failed_words(record));
  } else {
    const auto id = text(record, "id");  // an experiment that was not run has none
    line = fmt::format("{} {}: {}{}", verdict == "aborted" ? "ABORTED" : "INCONCLUSIVE", name,
                       reason.empty() ? "no reason was recorded" : reason,
                       id.empty() ? "" : fmt::format("; look at: `faultline show {}`", id));
  }
  return printable(line);
}

}  // namespace faultline::report
