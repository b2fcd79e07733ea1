#include "orchestrator/report/components.hpp"
#include "orchestrator/report/html_parts.hpp"
#include "orchestrator/report/html_sections.hpp"
#include "orchestrator/report/markup.hpp"
#include "orchestrator/report/story.hpp"

#include <fmt/format.h>

/// The sections that explain a run: which fault did what, and what the processes used meanwhile.
namespace faultline::report {
namespace {

std::string legend(const Json& record) {
  std::vector<std::string> items;
  for (std::size_t i = 0; i < list(record, "faults").size(); ++i) {
    const auto& fault = list(record, "faults")[i];
    const auto applied = offset_ms(fault, "applied_at");
    const auto& actions = list(fault, "actions");
    items.push_back(fmt::format(
        "{}, {}: {}{}", mark_of(i),
        applied ? fmt::format("{:+.1f} s", *applied / 1000) : std::string("never applied"),
        actions.empty() ? text(fault, "fault") : text(actions.front(), "summary"),
        actions.size() > 1 ? fmt::format(" (and {} more)", actions.size() - 1) : ""));
  }
  return bullets(items);
}

std::string stretch_row(const Stretch& stretch) {
  std::string cells;
  for (const auto& got : stretch.got) {
    cells += fmt::format(R"(<td class="{}">{}</td>)", got.bad > 0 ? "strong" : "",
                         escape(got.in_words()));
  }
  return fmt::format(R"(<tr><td class="n">{:+.1f} s</td><td class="n">{}</td><td>{}</td>{}</tr>)",
                     stretch.from_ms / 1000, brief_ms(stretch.to_ms - stretch.from_ms),
                     escape(marks_in_words(stretch)), cells);
}

}  // namespace

std::string story_section(const Json& record) {
  const auto parts = stretches(record);
  if (list(record, "faults").size() < 2 || parts.empty()) {
    return "";
  }
  std::string head = R"(<th class="n">From</th><th class="n">For</th><th>In force</th>)";
  for (const auto& got : parts.front().got) {
    head += fmt::format("<th>{}</th>", escape(got.probe));
  }
  std::string rows;
  for (const auto& stretch : parts) {
    rows += stretch_row(stretch);
  }
  return section("Which fault did what",
                 legend(record) + table(head, rows) +
                     R"(<p class="note">The run, cut where a fault began or ended. What a fault )"
                     R"(did may last beyond its end; seconds count where their middle lies.</p>)");
}

std::string components_section(const Json& record) {
  constexpr std::size_t shown = 8;
  std::string rows;
  for (const auto& component : busiest(record, shown)) {
    const auto memory = number(component, "memory_max_bytes");
    rows += fmt::format(
        R"(<tr><td>{}</td><td>{}</td><td class="n">{:.1f} %</td><td class="n">{:.1f} %</td>)"
        R"(<td class="n">{}</td></tr>)",
        escape(text(component, "name")), escape(text(component, "kind")),
        number(component, "cpu_percent_mean").value_or(0), *number(component, "cpu_percent_max"),
        memory ? brief_bytes(*memory) : std::string(unknown_markup));
  }
  if (rows.empty()) {
    return "";
  }
  const auto machine = machine_in_words(record);
  return section("What the processes used",
                 fmt::format(R"(<p>{}</p>{}<p class="note">While a fault was in force, of a core; )"
                             R"(the busiest of {} processes.</p>)",
                             escape(usage_in_words(record)),
                             machine.empty() ? "" : fmt::format("<p>The machine: {}.</p>", machine),
                             list(record, "components").size()) +
                     table(R"(<th>Process</th><th>Kind</th><th class="n">CPU, mean</th>)"
                           R"(<th class="n">CPU, at most</th><th class="n">Memory, at most</th>)",
                           rows));
}

}  // namespace faultline::report
