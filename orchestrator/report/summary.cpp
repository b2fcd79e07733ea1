#include "orchestrator/report/summary.hpp"

#include "orchestrator/report/components.hpp"
#include "orchestrator/report/record.hpp"
#include "orchestrator/report/recovery.hpp"
#include "orchestrator/report/story.hpp"
#include "orchestrator/report/terminal_text.hpp"
#include "orchestrator/report/verdict.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace faultline::report {
namespace {

constexpr std::size_t width = 4096;  // evidence is shown whole; the terminal wraps it
constexpr std::size_t name_width = 18;

/// Collects lines of text under headings.
class Page {
 public:
  explicit Page(bool colour) : colour_(colour) {}
  Line line() const { return {width, colour_}; }
  void add(const Line& line) { text_ += line.text() + "\n"; }
  void add(std::string_view name, std::string_view value, Style style = Style::plain) {
    if (!value.empty()) {
      add(line().add(pad(name, name_width), Style::dim).add(value, style));
    }
  }
  void heading(std::string_view words) {
    text_ += "\n";
    add(line().add(words, Style::strong));
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  bool colour_;
  std::string text_;
};

Style style_of(std::string_view verdict) {
  return verdict == "passed" ? Style::good : verdict == "failed" ? Style::bad : Style::warning;
}

void add_head(Page& page, const Json& record) {
  const auto verdict = text(record, "verdict");
  page.add(page.line()
               .add(text(record, "experiment"), Style::strong)
               .add("  " + text(record, "title") + "  ")
               .add(verdict, style_of(verdict)));
  page.add("reason", text(record, "reason"), style_of(verdict));
  for (const auto& entry : list(record, "afterwards")) {
    page.add("afterwards", afterwards_in_words(entry));
  }
  page.add("first symptom", first_symptom(record));
  page.add("hypothesis", text(record, "hypothesis"));
  page.add("run", text(record, "id"));
  page.add("environment", text(record, "environment") + " " + text(record, "profile"));
  const auto took = offset_ms(record, "finished");
  page.add("started",
           text(record, "started") + (took ? ", took " + brief_ms(*took) : std::string()));
  page.add("script", text(record, "script_sha256"));
  for (const auto& approval : list(record, "approvals")) {
    page.add("approved by", text(approval, "who") + ": " + text(approval, "reason"));
  }
}

void add_phases(Page& page, const Json& record) {
  std::vector<std::string> phases;
  for (const auto& phase : list(record, "phases")) {
    const auto from = offset_ms(phase, "started");
    const auto to = offset_ms(phase, "finished");
    phases.push_back(text(phase, "name") + (from && to ? " " + brief_ms(*to - *from) : ""));
  }
  page.add("phases", fmt::format("{}", fmt::join(phases, ", ")));
}

void add_fault(Page& page, const Json& fault, const std::string& mark) {
  const auto applied = offset_ms(fault, "applied_at");
  const auto reverted = offset_ms(fault, "reverted_at");
  page.heading(fmt::format("fault {}{} ({})", mark.empty() ? "" : mark + ": ", text(fault, "fault"),
                           text(fault, "reversibility")));
  for (const auto& action : list(fault, "actions")) {
    const auto undo = text(action, "undo_summary");
    page.add(text(action, "outcome"),
             text(action, "summary") + (undo.empty() ? "" : "; undone by: " + undo));
  }
  page.add(
      "in force",
      fmt::format("{} to {}", applied ? fmt::format("{:+.3f} s", *applied / 1000) : "never applied",
                  reverted ? fmt::format("{:+.3f} s", *reverted / 1000) : "not reverted"));
  const auto& effect = object(fault, "effect");
  const bool proved = flag(effect, "proved");
  const bool completed = flag(effect, "completed");
  page.add("before it", text(effect, "before"));
  page.add(proved ? "proved" : "NOT PROVED", text(effect, "evidence"),
           proved ? Style::plain : Style::bad);
  page.add(completed ? "complete" : "NOT COMPLETE", text(effect, "completion"),
           completed ? Style::plain : Style::bad);
  page.add("lasting", fmt::format("{}", fmt::join(texts(fault, "lasting_changes"), "; ")));
  const auto residue = texts(fault, "residue");
  page.add("residue", residue.empty() ? "none" : fmt::format("{}", fmt::join(residue, "; ")),
           residue.empty() ? Style::plain : Style::bad);
}

void add_objectives(Page& page, const Json& record) {
  if (list(record, "objectives").empty()) {
    return;
  }
  page.heading("objectives");
  for (const auto& objective : list(record, "objectives")) {
    const auto verdict = text(objective, "verdict");
    const auto samples = number(objective, "samples");
    const auto bound = number(objective, "bound_95");
    std::string words = fmt::format("{}: {}", text(objective, "name"), measured(record, objective));
    if (samples && text(objective, "sli") == "lost") {
      words += fmt::format(" of {} acknowledged", grouped(*samples));
    } else if (samples && text(objective, "sli") == "metric") {
      words += fmt::format(" of {} points", grouped(*samples));
    } else if (samples) {
      words += fmt::format(" of {} requests, {} bad in {} s", grouped(*samples),
                           grouped(number(objective, "bad").value_or(0)),
                           grouped(number(objective, "bad_seconds").value_or(0)));
    }
    if (bound) {
      words += fmt::format("; establishes {}{} at 95 %", brief(*bound, "%"),
                           text(objective, "sli") == "latency" ? " within it" : "");
    }
    if (const auto blocks = number(objective, "bound_95_blocks"); blocks && bound) {
      words += fmt::format(" ({} where requests fail together)", brief(*blocks, "%"));
    }
    if (const auto slowest = number(objective, "bound_95_ms")) {
      words += fmt::format("; establishes {} at 95 %", brief(*slowest, "ms"));
    }
    if (const auto reason = text(objective, "reason");
        verdict == "inconclusive" && !reason.empty()) {
      words = reason;  // it begins with the name
    }
    page.add(page.line()
                 .add(pad(verdict, name_width), style_of(verdict))
                 .add(pad(text(objective, "phase"), 10), Style::dim)
                 .add(words));
  }
}

void add_stop_conditions(Page& page, const Json& record) {
  const auto& conditions = list(record, "stop_conditions");
  if (!conditions.empty()) {
    page.heading("stop conditions");
  }
  for (const auto& condition : conditions) {
    page.add(page.line().add(stop_condition_in_words(condition),
                             flag(condition, "met") ? Style::bad : Style::plain));
  }
}

/// Another probe's view of the same disruption.
std::string seen_by(const Json& also) {
  const bool felt = number(also, "symptom_ms").has_value() || flag(also, "censored");
  return felt ? recovery_times(also) : "felt nothing";
}

void add_recovery(Page& page, const Json& record) {
  for (const auto& recovery : list(record, "recovery")) {
    const auto mark = mark_of_recovery(record, recovery);
    page.heading("recovery of " + recovery_subject(recovery) +
                 (mark.empty() ? "" : " from fault " + mark));
    page.add("actual", recovery_times(recovery));
    for (const auto& step : recovery_steps(recovery)) {
      const bool odd = !step.ms || !step.note.empty();
      page.add(step.name, step.in_words(), odd ? Style::dim : Style::plain);
    }
    for (const auto& also : list(recovery, "also")) {
      page.add("also " + text(also, "probe"), seen_by(also));
    }
    std::vector<std::string> counts;
    for (const auto& [name, count] : object(recovery, "writes").items()) {
      if (count.is_number() && name != "rpa_ms") {
        counts.push_back(fmt::format("{} {}", grouped(count.get<double>()), name));
      }
    }
    page.add("writes", fmt::format("{}", fmt::join(counts, ", ")));
  }
}

/// Of a writer that is not where users are: "; 120 writes acknowledged, 118 of them lost".
std::string written(const Json& probe) {
  const auto& writes = object(probe, "writes");
  const auto acknowledged = number(writes, "acknowledged");
  const auto lost = number(writes, "lost");
  return acknowledged && lost ? fmt::format("; {} writes acknowledged, {} of them lost",
                                            grouped(*acknowledged), grouped(*lost))
                              : "";
}

/// What the probes got while which faults were in force; for runs with several.
void add_story(Page& page, const Json& record) {
  if (list(record, "faults").size() < 2) {
    return;
  }
  page.heading("which fault did what");
  for (const auto& stretch : stretches(record)) {
    std::vector<std::string> got;
    for (const auto& probe : stretch.got) {
      got.push_back(fmt::format("{} {}", probe.probe, probe.in_words()));
    }
    page.add(fmt::format("{:+.1f} s {}", stretch.from_ms / 1000, marks_in_words(stretch)),
             fmt::format("{}", fmt::join(got, "; ")));
  }
}

void add_probes(Page& page, const Json& record) {
  if (list(record, "probes").empty()) {
    return;
  }
  page.heading("probes");
  for (const auto& probe : list(record, "probes")) {
    const auto good = good_percent(probe);
    const auto p99 = number(probe, "p99_ms");
    std::vector<std::string> errors;
    for (const auto& [name, count] : object(probe, "errors").items()) {
      errors.push_back(fmt::format("{} '{}'", count.dump(), name));
    }
    page.add(
        text(probe, "name"),
        fmt::format("{} requests, {} good, {} degraded, {} bad{}; p99 {}{}",
                    grouped(number(probe, "requests").value_or(0)), good ? brief(*good, "%") : "-",
                    grouped(number(probe, "degraded").value_or(0)),
                    grouped(number(probe, "bad").value_or(0)),
                    errors.empty() ? "" : fmt::format(" ({})", fmt::join(errors, ", ")),
                    p99    ? brief_ms(*p99)
                    : good ? "among the bad"
                           : "-",
                    written(probe)));
  }
}

}  // namespace

std::string summary_text(const Json& record, bool colour) {
  Page page(colour);
  add_head(page, record);
  add_phases(page, record);
  const auto& faults = list(record, "faults");
  for (std::size_t i = 0; i < faults.size(); ++i) {
    add_fault(page, faults[i], faults.size() > 1 ? mark_of(i) : "");
  }
  add_story(page, record);
  add_objectives(page, record);
  add_stop_conditions(page, record);
  add_recovery(page, record);
  add_probes(page, record);
  if (const auto usage = usage_in_words(record); !usage.empty()) {
    page.heading("processes");
    page.add("while broken", usage);
    page.add("the machine", machine_in_words(record));
  }
  return page.text();
}

}  // namespace faultline::report
