#include "orchestrator/report/console.hpp"

#include "orchestrator/report/record.hpp"
#include "targets/say.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sys/ioctl.h>

namespace faultline::report {
namespace {

constexpr double redraw_ms = 100;  // ten times a second: more only flickers over a slow link
constexpr std::string_view hide_cursor = "\x1b[?25l";
constexpr std::string_view show_cursor = "\x1b[?25h";
constexpr std::string_view clear_line = "\x1b[K";
constexpr std::string_view clear_below = "\x1b[J";

/// Rows that lines of these widths take on a terminal that may have become narrower.
std::size_t rows_of(const std::vector<std::size_t>& cells, std::size_t columns) {
  std::size_t rows = 0;
  for (const auto width : cells) {
    rows += std::max<std::size_t>(1, (width + columns - 1) / columns);
  }
  return rows;
}

}  // namespace

Console::~Console() {
  leave();
}

void Console::on(const nlohmann::json& event) {
  if (quiet_) {
    return;
  }
  if (!live_) {
    return print(event);
  }
  const auto name = text(event, "name");
  if (name == "run_started") {
    leave();
  }
  view_.apply(event);
  const bool first = drawn_cells_.empty();
  if (first || name == "run_finished" || view_.now_ms - drawn_at_ms_ >= redraw_ms) {
    draw();
  }
  if (name == "run_finished") {
    leave();
  }
}

void Console::print(const nlohmann::json& event) {
  const auto words = in_words(event);
  if (words.text.empty()) {
    return;
  }
  constexpr std::size_t unlimited = 1 << 16;  // a line of a log is cut by whoever shows it
  Line line(unlimited, colour_);
  line.add(text(event, "t") + " ", Style::dim);
  line.add(fmt::format("{:+.3f}s ", number(event, "offset_ms").value_or(0) / 1000), Style::dim);
  line.add(text(event, "name") + " ").add(words.text, words.style);
  say(out_, "{}\n", line.text());
}

void Console::draw() {
  const auto now = size();
  std::string bytes;
  if (drawn_cells_.empty()) {
    bytes += hide_cursor;
  } else {
    // What has scrolled out of the screen cannot be reached; going further up stops at its top.
    bytes += fmt::format("\x1b[{}A\r", std::min(rows_of(drawn_cells_, now.columns), now.rows));
  }
  for (const auto& line : frame(view_, now, colour_)) {
    bytes += line;
    bytes += clear_line;
    bytes += "\n";
  }
  bytes += clear_below;
  std::fwrite(bytes.data(), 1, bytes.size(), out_);
  std::fflush(out_);
  drawn_cells_.clear();
  for (const auto& line : frame(view_, now, false)) {
    drawn_cells_.push_back(cells(line));
  }
  drawn_at_ms_ = view_.now_ms;
}

void Console::leave() {
  if (!drawn_cells_.empty()) {
    std::fwrite(show_cursor.data(), 1, show_cursor.size(), out_);
    std::fflush(out_);
    drawn_cells_.clear();
  }
  drawn_at_ms_ = 0;
}

Size Console::size() const {
  winsize found{};
  if (::ioctl(::fileno(out_), TIOCGWINSZ, &found) != 0 || found.ws_col == 0 || found.ws_row == 0) {
    return {};
  }
  return {found.ws_col, found.ws_row};
}

}  // namespace faultline::report
