#include "orchestrator/report/html.hpp"

#include "orchestrator/report/html_sections.hpp"
#include "orchestrator/report/markup.hpp"
#include "orchestrator/report/record.hpp"
#include "orchestrator/report/verdict.hpp"

#include <fmt/format.h>

namespace faultline {
std::string_view embedded_report(std::string_view path);
}

namespace faultline::report {
namespace {

/// The table of all runs of the page, each with a link to its part.
std::string overview(const std::vector<Json>& records) {
  if (records.size() < 2) {
    return "";
  }
  std::string rows;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& record = records[i];
    const auto& recovery = worst_recovery(record);
    const auto objective = number(recovery, "objective_ms");
    const auto good = worst_good_percent(record);
    const auto lost = lost_writes(record);
    rows += fmt::format(
        R"(<tr><td><a href="#run-{}">{}</a></td><td>{}</td><td>{}</td><td class="n">{}</td>)"
        R"(<td class="n">{}</td><td class="n">{}</td><td class="wide">{}</td></tr>)",
        i + 1, escape(text(record, "experiment")), escape(text(record, "profile")),
        verdict_badge(text(record, "verdict")), good ? brief(*good, "%") : "–",
        recovery.is_null() ? "–"
                           : fmt::format("{} / {}", escape(recovery_actual(recovery)),
                                         objective ? brief_ms(*objective) : "–"),
        lost ? grouped(*lost) : "–", escape(text(record, "reason")));
  }
  return fmt::format(
      R"(<section class="card"><h2>Runs</h2><div class="scroll"><table><thead><tr>)"
      R"(<th>Experiment</th><th>Profile</th><th>Verdict</th><th class="n">Good, at )"
      R"(worst</th><th class="n">Recovery / objective</th><th class="n">Lost writes)"
      R"(</th><th>Reason</th></tr></thead><tbody>{}</tbody></table></div></section>)",
      rows);
}

std::string run_part(const Json& record, std::size_t number_of_run) {
  return fmt::format(R"(<article id="run-{}">{}{}{}{}{}{}{}{}{}</article>)", number_of_run,
                     banner(record), timeline_section(record), story_section(record),
                     objectives_section(record), recovery_section(record), probes_section(record),
                     components_section(record), faults_section(record), evidence_section(record));
}

}  // namespace

std::string html_page(const std::vector<Json>& records) {
  std::string body = overview(records);
  for (std::size_t i = 0; i < records.size(); ++i) {
    body += run_part(records[i], i + 1);
  }
  const auto title = records.size() == 1
                         ? fmt::format("{}: {}", text(records.front(), "experiment"),
                                       text(records.front(), "verdict"))
                         : fmt::format("{} runs", records.size());
  return fill(embedded_report("orchestrator/report/page.html"),
              {{"title", escape(title)},
               {"style", std::string(embedded_report("orchestrator/report/page.css"))},
               {"body", body},
               {"script", std::string(embedded_report("orchestrator/report/page.js"))}});
}

}  // namespace faultline::report
