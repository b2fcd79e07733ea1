#include "orchestrator/report/html_sections.hpp"

#include "orchestrator/report/chart.hpp"
#include "orchestrator/report/event_words.hpp"
#include "orchestrator/report/html_parts.hpp"
#include "orchestrator/report/markup.hpp"
#include "orchestrator/report/record.hpp"
#include "orchestrator/report/story.hpp"
#include "orchestrator/report/verdict.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace faultline::report {
namespace {

/// A percentile of a probe: null, with requests, means that it falls among bad ones.
std::string percentile(const Json& probe, std::string_view field) {
  const auto value = number(probe, field);
  return value                                  ? escape(brief_ms(*value))
         : number(probe, "bad").value_or(0) > 0 ? "among the bad"
                                                : std::string(unknown_markup);
}

/// An object of plain values: "mode = crash, share = 0.5".
std::string pairs(const Json& values) {
  std::vector<std::string> out;
  for (const auto& [name, value] : values.items()) {
    out.push_back(
        fmt::format("{} = {}", name, value.is_string() ? value.get<std::string>() : value.dump()));
  }
  return fmt::format("{}", fmt::join(out, ", "));
}

std::string figures(const Json& record) {
  std::string out;
  const auto good = worst_good_percent(record);
  out += figure("Good requests, at worst", known_or(good, "%"));
  for (const auto& recovery : list(record, "recovery")) {
    const auto actual = number(recovery, "actual_ms");
    const auto objective = number(recovery, "objective_ms");
    const bool met = actual && objective && *actual <= *objective && !flag(recovery, "censored");
    out +=
        figure("Recovery of " + recovery_subject(recovery),
               fmt::format("{}<small> of {}</small>",
                           actual ? escape(recovery_actual(recovery)) : std::string(unknown_markup),
                           objective ? brief_ms(*objective) : "no objective"),
               met ? "met" : "missed");
  }
  const auto lost = lost_writes(record);
  out += figure("Acknowledged writes lost", lost ? grouped(*lost) : std::string(unknown_markup),
                lost ? (*lost > 0 ? "missed" : "met") : "");
  const auto& worst = worst_probe(record);
  if (!worst.is_null()) {
    out += figure(fmt::format("p99 of {}, whole run", text(worst, "name")),
                  percentile(worst, "p99_ms"));
  }
  return fmt::format(R"(<dl class="figures">{}</dl>)", out);
}

std::string facts(const Json& record) {
  std::string out;
  const auto add = [&out](std::string_view name, const std::string& value) {
    out += value.empty() ? "" : figure(name, escape(value));
  };
  add("Run", text(record, "id"));
  add("Environment", fmt::format("{}, {}", text(record, "environment"), text(record, "profile")));
  add("Started", text(record, "started"));
  if (const auto end = offset_ms(record, "finished")) {
    add("Took", brief_ms(*end));
  }
  add("Operator", text(record, "operator"));
  add("Owner", text(record, "owner"));
  for (const auto& approval : list(record, "approvals")) {
    add("Approved by", text(approval, "who") + ": " + text(approval, "reason"));
  }
  for (const auto& entry : list(record, "afterwards")) {
    add("Afterwards", afterwards_in_words(entry));
  }
  add("Parameters", pairs(object(record, "params")));
  add("Tags", fmt::format("{}", fmt::join(texts(record, "tags"), ", ")));
  add("Runbook", text(record, "runbook"));
  return fmt::format(R"(<dl class="facts">{}</dl>)", out);
}

/// Of the 28 days' budget: what does not matter is not written as 5.5e-05.
std::string budget_in_words(double percent) {
  constexpr double least_told = 0.01;
  return percent > 0 && percent < least_told ? "&lt; 0.01 %" : fmt::format("{:.2g} %", percent);
}

/// By single requests, and in parentheses where requests fail together.
std::string established(const Json& objective) {
  const auto bound = number(objective, "bound_95");
  const auto blocks = number(objective, "bound_95_blocks");
  const auto slowest = number(objective, "bound_95_ms");
  return bound ? fmt::format("≥ {}{}{}", brief(*bound, "%"),
                             blocks ? fmt::format(" ({})", brief(*blocks, "%")) : "",
                             slowest ? ", ≤ " + brief(*slowest, "ms") : "")
               : "–";
}

std::string objective_row(const Json& record, const Json& objective) {
  const auto budget = number(objective, "budget_28d_percent");
  const auto count = [&objective](const char* field) {
    const auto value = number(objective, field);
    return value ? grouped(*value) : "–";
  };
  return fmt::format(
      R"(<tr><td>{}</td><td>{}</td><td>{}</td><td class="n">{}</td><td class="n strong">{}</td>)"
      R"(<td class="n">{}</td><td class="n">{}</td><td class="n">{}</td><td class="n">{}</td>)"
      R"(<td class="n">{}</td></tr>)",
      verdict_badge(text(objective, "verdict")), escape(text(objective, "name")),
      escape(text(objective, "phase")), escape(asked(objective)),
      escape(measured(record, objective)), count("samples"), count("bad"), count("bad_seconds"),
      established(objective), budget ? budget_in_words(*budget) : "–");
}

std::string probe_part(const Json& record, const Json& probe) {
  std::vector<std::string> errors;
  for (const auto& [name, count] : object(probe, "errors").items()) {
    errors.push_back(
        fmt::format("{} × {}", count.is_number() ? grouped(count.get<double>()) : "?", name));
  }
  const auto good = good_percent(probe);
  const auto delay = number(probe, "worker_delay_p99_ms");
  return fmt::format(
      R"(<figure><figcaption><b>{}</b> <span>{} requests, {} good, {} degraded, {} bad{}</span>)"
      R"(<output></output></figcaption><div class="scroll">{}</div>)"
      R"(<p class="note">p50 {}, p90 {}, p99 {}, p99.9 {}, max {}; uncorrected p99 {}; the worker )"
      R"(was {} late at p99</p>{}</figure>)",
      escape(text(probe, "name")), grouped(number(probe, "requests").value_or(0)),
      good ? brief(*good, "%") : "–", grouped(number(probe, "degraded").value_or(0)),
      grouped(number(probe, "bad").value_or(0)),
      errors.empty() ? "" : escape(fmt::format(": {}", fmt::join(errors, ", "))),
      probe_svg(record, probe), percentile(probe, "p50_ms"), percentile(probe, "p90_ms"),
      percentile(probe, "p99_ms"), percentile(probe, "p999_ms"), percentile(probe, "max_ms"),
      known_or(number(object(probe, "uncorrected"), "p99_ms"), "ms"), known_or(delay, "ms"),
      object(probe, "writes").empty() || !recovery_of(record, text(probe, "name")).is_null()
          ? ""  // the recovery has them
          : writes_list(object(probe, "writes")));
}

/// "applied +14.31 s, effective +14.35 s, reverted +37.16 s".
std::string fault_times(const Json& fault) {
  std::vector<std::string> out;
  for (const auto* name : {"intended", "applied", "effective", "reverting", "reverted"}) {
    const auto at = offset_ms(fault, fmt::format("{}_at", name));
    out.push_back(at ? fmt::format("{} {:+.3f} s", name, *at / 1000)
                     : fmt::format("{} never", name));
  }
  return fmt::format("{}", fmt::join(out, ", "));
}

std::string fault_part(const Json& fault, std::string_view mark) {
  std::string rows;
  for (const auto& action : list(fault, "actions")) {
    const auto undo = text(action, "undo_summary");
    rows +=
        fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td></tr>", escape(text(action, "summary")),
                    undo.empty() ? "nothing" : escape(undo), escape(text(action, "outcome")));
  }
  const auto& effect = object(fault, "effect");
  const bool proved = flag(effect, "proved");
  const auto residue = texts(fault, "residue");
  const auto lasting = texts(fault, "lasting_changes");
  std::string out = fmt::format(
      R"(<h4>{}{} <small>{}</small> <span class="chip">{}</span></h4><p class="note">{}</p>)",
      mark.empty() ? "" : fmt::format("{}: ", mark), escape(text(fault, "fault")),
      escape(pairs(object(fault, "params"))), escape(text(fault, "reversibility")),
      escape(fault_times(fault)));
  out += table("<th>Action</th><th>Undone by</th><th>Outcome</th>", rows);
  const auto before = text(effect, "before");
  const auto completion = text(effect, "completion");
  const bool completed = flag(effect, "completed");
  out += fmt::format(R"(<dl class="facts">{}{}{}{}{}{}{}</dl>)",
                     before.empty() ? "" : figure("Before it", escape(before)),
                     figure(proved ? "Effect, proved" : "Effect, NOT proved",
                            escape(text(effect, "evidence")), proved ? "met" : "missed"),
                     completion.empty() ? ""
                                        : figure(completed ? "Complete" : "NOT complete",
                                                 escape(completion), completed ? "met" : "missed"),
                     figure("Resources", bullets(texts(fault, "resources"))),
                     figure("Declared end state", bullets(texts(fault, "end_state"))),
                     lasting.empty() ? "" : figure("Lasting changes", bullets(lasting)),
                     residue.empty() ? figure("Residue", "nothing left behind", "met")
                                     : figure("Residue", bullets(residue), "missed"));
  return out;
}

std::string event_rows(const Json& record) {
  std::string rows;
  for (const auto& event : list(record, "events")) {
    rows +=
        fmt::format(R"(<tr><td class="n">{:+.3f} s</td><td>{}</td><td class="wide">{}</td></tr>)",
                    number(event, "offset_ms").value_or(0) / 1000, escape(text(event, "name")),
                    escape(in_words(event).text));
  }
  return rows;
}

}  // namespace

std::string verdict_badge(std::string_view verdict) {
  const auto* mark = verdict == "passed"    ? "✓"
                     : verdict == "failed"  ? "✗"
                     : verdict == "aborted" ? "■"
                                            : "?";
  const auto css = verdict == "passed" || verdict == "failed" || verdict == "aborted"
                       ? verdict
                       : std::string_view("inconclusive");
  return fmt::format(R"(<span class="badge {}"><i>{}</i> {}</span>)", css, mark, escape(verdict));
}

std::string banner(const Json& record) {
  const auto title = text(record, "title");
  const auto symptom = first_symptom(record);
  const auto hypothesis = text(record, "hypothesis");
  const auto reason = text(record, "reason");
  return fmt::format(
      R"(<header class="card banner {}"><div class="head">{}<h2>{} <small>{}</small></h2></div>)"
      R"({}{}<blockquote>{}</blockquote>{}{}</header>)",
      escape(text(record, "verdict")), verdict_badge(text(record, "verdict")),
      escape(title.empty() ? text(record, "experiment") : title),
      escape(text(record, "experiment")),
      reason.empty() ? "" : fmt::format(R"(<p class="reason">{}</p>)", escape(reason)),
      symptom.empty() ? "" : fmt::format("<p>First symptom: {}</p>", escape(symptom)),
      escape(hypothesis), figures(record), facts(record));
}

std::string timeline_section(const Json& record) {
  return section("Timeline", fmt::format(R"(<div class="scroll">{}</div>)", timeline_svg(record)));
}

std::string objectives_section(const Json& record) {
  std::string rows;
  for (const auto& objective : list(record, "objectives")) {
    rows += objective_row(record, objective);
  }
  if (rows.empty()) {
    return "";
  }
  return section("Objectives",
                 table(R"(<th>Verdict</th><th>Objective</th><th>Phase</th><th class="n">Asked</th>)"
                       R"(<th class="n">Measured</th><th class="n">Requests</th><th class="n">Bad)"
                       R"(</th><th class="n">Bad seconds</th><th class="n">Established at 95 %)"
                       R"(</th><th class="n">28-day budget</th>)",
                       rows) +
                     R"(<p class="note">Established at 95 %: were requests to fail one by one; in )"
                     R"(parentheses, were those of one time to fail together.</p>)");
}

std::string probes_section(const Json& record) {
  std::string out;
  for (const auto& probe : list(record, "probes")) {
    out += probe_part(record, probe);
  }
  if (out.empty()) {
    return "";
  }
  return section("What users got",
                 R"(<p class="legend"><i class="good"></i>good<i class="degraded"></i>degraded)"
                 R"(<i class="bad"></i>bad<i class="p50"></i>p50<i class="p99"></i>p99)"
                 R"(<i class="shade"></i>fault in force; a red mark over the latencies: the p99 )"
                 R"(falls among bad requests</p>)" +
                     out);
}

std::string faults_section(const Json& record) {
  std::string out;
  const auto& faults = list(record, "faults");
  for (std::size_t i = 0; i < faults.size(); ++i) {
    out += fault_part(faults[i], faults.size() > 1 ? mark_of(i) : "");
  }
  return out.empty() ? "" : section("Faults", out);
}

std::string evidence_section(const Json& record) {
  std::string facts;
  for (const auto& [name, version] : object(record, "versions").items()) {
    facts +=
        figure(name, escape(version.is_string() ? version.get<std::string>() : version.dump()));
  }
  if (const auto seed = number(record, "seed")) {
    facts += figure("Seed", fmt::format("{:.0f}", *seed));
  }
  for (const auto& condition : list(record, "stop_conditions")) {
    facts += figure("Stop condition", escape(stop_condition_in_words(condition)));
  }
  for (const auto& [field, name] : {std::pair("script_sha256", "Script, SHA-256"),
                                    std::pair("environment_sha256", "Environment, SHA-256")}) {
    facts += figure(name, fmt::format("<code>{}</code>", escape(text(record, field))));
  }
  return section(
      "Evidence",
      fmt::format(
          R"(<dl class="facts">{}</dl><details><summary>{} events</summary>{}</details>)", facts,
          list(record, "events").size(),
          table(R"(<th class="n">At</th><th>Event</th><th>Detail</th>)", event_rows(record))));
}

}  // namespace faultline::report
