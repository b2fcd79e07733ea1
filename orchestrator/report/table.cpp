#include "orchestrator/report/table.hpp"

#include "orchestrator/report/record.hpp"
#include "orchestrator/report/terminal_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace faultline::report {
namespace {

constexpr std::size_t table_width = 120;  // fits a pipeline's log and a wide screen
constexpr std::size_t gap = 2;

struct Column {
  std::string_view title;
  std::size_t most;  ///< cells at most; the last column takes what is left
  bool right;
};
constexpr std::array<Column, 8> columns{{{"DRILL", 20, false},
                                         {"VERDICT", 12, false},
                                         {"GOOD %", 13, true},
                                         {"P99", 7, true},
                                         {"RECOVERY / RTO", 15, true},
                                         {"LOST", 5, true},
                                         {"TOOK", 7, true},
                                         {"PROVED", table_width, false}}};
using Row = std::array<std::string, columns.size()>;

std::string recovery_cell(const Json& record) {
  const auto& recovery = worst_recovery(record);
  if (recovery.is_null()) {
    return "-";
  }
  const auto objective = number(recovery, "objective_ms");
  return recovery_actual(recovery) + " / " + (objective ? brief_ms(*objective) : "-");
}

/// Where the promise is to serve at all, degraded answers count, and the cell says so.
std::string good_cell(const Json& record) {
  const auto good = worst_good_percent(record);
  const auto* counted = text(worst_share(record), "sli") == "served" ? " served" : "";
  return good ? fmt::format("{:.2f}{}", std::floor(*good * 100) / 100, counted) : "-";
}

/// A percentile among bad requests is slower than anything, which the record writes as null.
std::string p99_cell(const Json& probe) {
  if (probe.is_null()) {
    return "-";
  }
  const auto p99 = number(probe, "p99_ms");
  return p99 ? brief_ms(*p99) : "bad";
}

std::string proved_cell(const Json& record) {
  std::string words;
  for (const auto& fault : list(record, "faults")) {
    const auto& effect = object(fault, "effect");
    words += words.empty() ? "" : "; ";
    words += flag(effect, "proved") ? text(effect, "evidence") : "not proved";
  }
  return words.empty() ? "-" : words;
}

Row row_of(const Json& record) {
  const auto lost = lost_writes(record);
  const auto took = offset_ms(record, "finished");
  Row row{text(record, "experiment"),    text(record, "verdict"), good_cell(record),
          p99_cell(worst_probe(record)), recovery_cell(record),   lost ? grouped(*lost) : "-",
          took ? brief_ms(*took) : "-",  proved_cell(record)};
  std::transform(row.begin(), row.end(), row.begin(), [](const auto& c) { return printable(c); });
  return row;
}

Style style_of(std::string_view verdict) {
  return verdict == "passed" ? Style::good : verdict == "failed" ? Style::bad : Style::warning;
}

}  // namespace

std::string drill_table(const std::vector<Json>& records, bool colour) {
  std::vector<Row> rows;
  std::transform(records.begin(), records.end(), std::back_inserter(rows), row_of);
  std::array<std::size_t, columns.size()> widths{};
  for (std::size_t c = 0; c < columns.size(); ++c) {
    widths[c] = cells(columns[c].title);
    for (const auto& row : rows) {
      widths[c] = std::min(columns[c].most, std::max(widths[c], cells(row[c])));
    }
  }
  const auto add = [&widths](Line& line, std::size_t c, std::string_view cell, Style style) {
    line.add(pad(cell, std::min(widths[c], line.left()), columns[c].right), style);
    line.add(std::string(std::min(gap, line.left()), ' '));
  };
  std::string out;
  Line titles(table_width, colour);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    add(titles, c, columns[c].title, Style::strong);
  }
  out += titles.text() + "\n";
  for (const auto& row : rows) {
    Line line(table_width, colour);
    for (std::size_t c = 0; c < columns.size(); ++c) {
      add(line, c, row[c], columns[c].title == "VERDICT" ? style_of(row[c]) : Style::plain);
    }
    out += line.text() + "\n";
  }
  return out;
}

}  // namespace faultline::report
