#include "orchestrator/report/html_parts.hpp"

#include "orchestrator/report/markup.hpp"

#include <fmt/format.h>

#include <array>

namespace faultline::report {

std::string known_or(std::optional<double> value, std::string_view unit) {
  return value ? escape(brief(*value, unit)) : std::string(unknown_markup);
}

std::string figure(std::string_view name, std::string_view markup, std::string_view css) {
  return fmt::format(R"(<div class="{}"><dt>{}</dt><dd>{}</dd></div>)", css, escape(name), markup);
}

std::string section(std::string_view title, std::string_view markup) {
  return fmt::format(R"(<section class="card"><h3>{}</h3>{}</section>)", title, markup);
}

std::string table(std::string_view head, std::string_view rows) {
  return fmt::format(
      R"(<div class="scroll"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>)",
      head, rows);
}

std::string bullets(const std::vector<std::string>& items) {
  std::string out;
  for (const auto& item : items) {
    out += fmt::format("<li>{}</li>", escape(item));
  }
  return fmt::format("<ul>{}</ul>", out);
}

std::string writes_list(const Json& writes) {
  static constexpr std::array<std::pair<const char*, const char*>, 6> counts{
      {{"attempted", "Attempted"},
       {"acknowledged", "Acknowledged"},
       {"ambiguous", "Ambiguous"},
       {"lost", "Lost"},
       {"duplicated", "Duplicated"},
       {"stale", "Stale"}}};
  std::string out;
  for (const auto& [field, name] : counts) {
    out += figure(name, known_or(number(writes, field), ""));
  }
  out += figure("Recovery point", known_or(number(writes, "rpa_ms"), "ms"));
  return fmt::format(R"(<dl class="facts steps">{}</dl>)", out);
}

}  // namespace faultline::report
