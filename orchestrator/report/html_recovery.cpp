#include "orchestrator/report/html_parts.hpp"
#include "orchestrator/report/html_sections.hpp"
#include "orchestrator/report/markup.hpp"
#include "orchestrator/report/recovery.hpp"
#include "orchestrator/report/story.hpp"
#include "orchestrator/report/terminal_text.hpp"

#include <fmt/format.h>

#include <algorithm>

/// How a recovery came about: a bar for each step, and what each probe saw of it.
namespace faultline::report {
namespace {

// All lengths in units of the view box, which the page scales to its width.
constexpr double width = 960, names_end = 120, bars_end = 560;
constexpr double row = 22, bar = 14;
constexpr std::size_t words_room = 56;  // letters right of the bars' end
/// An objective that is further away than so many times the last step would leave no bar to see.
constexpr double most_shown = 4;

double last_of(const std::vector<RecoveryStep>& steps) {
  double last = 1;
  for (const auto& step : steps) {
    last = std::max(last, step.ms.value_or(0));
  }
  return last;
}

/// From the step before to this one; one that came too early is a mark where it was.
std::string step_bar(const RecoveryStep& step, double from_ms, double y, double per_ms) {
  const bool late = *step.ms < from_ms;
  const double from = late ? *step.ms : from_ms;
  return fmt::format(R"(<rect class="step{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}" rx="2">)"
                     R"(<title>{}: {}</title></rect>)",
                     late ? " early" : "", names_end + from * per_ms, y,
                     std::max(2.0, late ? 0.0 : (*step.ms - from) * per_ms), bar, escape(step.name),
                     escape(step.in_words()));
}

std::string step_rows(const std::vector<RecoveryStep>& steps, double per_ms) {
  std::string out;
  double before = 0, y = 4;
  for (const auto& step : steps) {
    out += fmt::format(R"(<text class="name" x="{}" y="{}" text-anchor="end">{}</text>)",
                       names_end - 8, y + 12, escape(step.name));
    const double x = names_end + step.ms.value_or(0) * per_ms + 6;
    if (step.ms) {
      out += step_bar(step, step.name == "declared" ? *step.ms : before, y, per_ms);
      before = std::max(before, step.name == "declared" ? before : *step.ms);
    }
    out += fmt::format(R"(<text class="{}" x="{:.1f}" y="{}">{}</text>)",
                       step.ms && step.note.empty() ? "inside" : "beside", x, y + 12,
                       escape(clip(step.in_words(), words_room)));
    y += row;
  }
  return out;
}

std::string steps_svg(const Json& recovery) {
  const auto steps = recovery_steps(recovery);
  const auto objective = number(recovery, "objective_ms");
  const double last = last_of(steps);
  const bool shown = objective && *objective > 0 && *objective <= most_shown * last;
  const double per_ms = (bars_end - names_end) / std::max(last, shown ? *objective : 0);
  const double bottom = static_cast<double>(steps.size()) * row;
  std::string out = fmt::format(
      R"(<svg class="recovery" viewBox="0 0 {} {}" role="img"><title>From the disruption to )"
      R"(recovery</title>)",
      width, bottom + 18);
  if (shown) {
    const double x = names_end + *objective * per_ms;
    out += fmt::format(R"(<line class="limit" x1="{0:.1f}" x2="{0:.1f}" y1="0" y2="{1}"/>)"
                       R"(<text class="tick" x="{0:.1f}" y="{2}" text-anchor="middle">)"
                       R"(objective {3}</text>)",
                       x, bottom, bottom + 13, brief_ms(*objective));
  }
  return out + step_rows(steps, per_ms) + "</svg>";
}

std::string view_row(const Json& view) {
  const auto time = [&view](const char* field) {
    const auto at = number(view, field);
    return at ? brief_ms(*at) : std::string("–");
  };
  const bool felt = number(view, "symptom_ms").has_value() || flag(view, "censored");
  const auto connections = text(view, "connections");
  return fmt::format(
      R"(<tr><td>{}</td><td>{}</td><td class="n">{}</td><td class="n">{}</td>)"
      R"(<td class="n">{}</td><td class="n">{}</td><td class="n strong">{}</td></tr>)",
      escape(text(view, "probe")), connections.empty() ? "–" : escape(connections),
      time("symptom_ms"), time("first_success_ms"), time("sustained_ms"), time("drained_ms"),
      felt ? escape(recovery_actual(view)) : std::string("felt nothing"));
}

std::string views_table(const Json& recovery) {
  const auto views = recovery_views(recovery);
  if (views.size() < 2) {
    return "";
  }
  std::string rows;
  for (const auto* view : views) {
    rows += view_row(*view);
  }
  return table(R"(<th>As seen by</th><th>Connections</th><th class="n">First symptom</th>)"
               R"(<th class="n">First success</th><th class="n">Sustained</th>)"
               R"(<th class="n">Backlog drained</th><th class="n">Recovery</th>)",
               rows);
}

}  // namespace

std::string recovery_section(const Json& record) {
  std::string out;
  for (const auto& recovery : list(record, "recovery")) {
    const auto mark = mark_of_recovery(record, recovery);
    out += fmt::format(
        R"(<h4>{} <small>from {}: {}</small></h4><div class="scroll">{}</div>{})",
        escape(recovery_subject(recovery)), mark.empty() ? "the disruption" : "fault " + mark,
        escape(recovery_times(recovery)), steps_svg(recovery), views_table(recovery));
    if (!object(recovery, "writes").empty()) {
      out += "<h4>Writes <small>each acknowledged one was read back at the end</small></h4>" +
             writes_list(object(recovery, "writes"));
    }
  }
  return out.empty() ? "" : section("Recovery", out);
}

}  // namespace faultline::report
