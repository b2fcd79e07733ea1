#include "orchestrator/report/frame.hpp"

#include "orchestrator/report/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace faultline::report {
namespace {

constexpr double recent_ms = 5000;       // rates and percentiles: long enough for a p99 of 200/s
constexpr double kept_ms = 120'000;      // the longest sparkline
constexpr std::size_t kept_notable = 8;  // what a screen of 24 rows leaves room for
constexpr std::size_t name_width = 18;
constexpr std::size_t bar_width = 30;
constexpr double long_phase_ms = 3000;  // shorter ones are over before a bar is read

/// All of a probe between two times.
View::Tick sum(const std::deque<View::Tick>& ticks, double from_ms, double to_ms) {
  View::Tick all{.from_ms = to_ms, .to_ms = to_ms};
  bool known = true;
  double p99 = 0;
  for (const auto& tick : ticks) {
    if (tick.to_ms <= from_ms || tick.to_ms > to_ms) {
      continue;
    }
    all.from_ms = std::min(all.from_ms, tick.from_ms);
    all.requests += tick.requests;
    all.good += tick.good;
    all.degraded += tick.degraded;
    all.bad += tick.bad;
    all.waiting = tick.waiting;
    known = known && (tick.p99_ms || tick.requests == 0);
    p99 = std::max(p99, tick.p99_ms.value_or(0));
  }
  if (known && all.requests > 0) {
    all.p99_ms = p99;
  }
  return all;
}

/// The height is the share of good answers, the colour the worst class of the second.
void add_sparkline(Line& line, const std::deque<View::Tick>& ticks, double now_ms) {
  static constexpr std::array<std::string_view, 8> heights{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const double end = std::floor(now_ms / 1000) * 1000;
  const auto seconds = std::min(line.left(), static_cast<std::size_t>(kept_ms / 1000));
  for (std::size_t back = seconds; back > 0; --back) {
    const double from = end - static_cast<double>(back) * 1000;
    const auto second = sum(ticks, from, from + 1000);
    if (second.requests <= 0) {
      line.add(second.waiting > 0 ? "·" : " ", Style::warning);
      continue;
    }
    // Full only when nothing was bad: one bad request among thousands must show without colour,
    // too.
    auto height = static_cast<std::size_t>(7 * second.good / second.requests);
    height = std::min<std::size_t>(height, second.good < second.requests ? 6 : 7);
    line.add(heights[height], second.bad > 0        ? Style::bad
                              : second.degraded > 0 ? Style::warning
                                                    : Style::good);
  }
}

Line title_line(const View& view, Size size, bool colour) {
  Line line(size.columns, colour);
  line.add(view.experiment.empty() ? "starting" : view.experiment, Style::strong);
  line.add(view.title.empty() ? "" : "  " + view.title);
  line.add(fmt::format("  {} {}", view.environment, view.profile), Style::accent);
  line.add(view.id.empty() ? "" : "  run " + view.id, Style::dim);
  return line;
}

Line phase_line(const View& view, Size size, bool colour) {
  Line line(size.columns, colour);
  const double elapsed = view.now_ms - view.phase_started_ms;
  line.add(pad(view.phase.empty() ? "staging" : view.phase, name_width), Style::accent);
  line.add(pad(fmt::format("{:.1f} s", elapsed / 1000), 9, true));
  if (view.phase_expected_ms && *view.phase_expected_ms >= long_phase_ms) {
    const double share = std::clamp(elapsed / *view.phase_expected_ms, 0.0, 1.0);
    const auto done = static_cast<std::size_t>(share * bar_width);
    std::string full, rest;
    for (std::size_t i = 0; i < bar_width; ++i) {
      (i < done ? full : rest) += i < done ? "█" : "░";
    }
    line.add("  ").add(full, Style::accent).add(rest, Style::dim);
    line.add(" of " + brief_ms(*view.phase_expected_ms));
  }
  line.add(pad(fmt::format("  total {:.0f} s", view.now_ms / 1000), line.left(), true), Style::dim);
  return line;
}

Line probe_line(const std::string& name, const std::deque<View::Tick>& ticks, double now_ms,
                Size size, bool colour) {
  Line line(size.columns, colour);
  const auto recent = sum(ticks, now_ms - recent_ms, now_ms);
  const double span_s = (recent.to_ms - recent.from_ms) / 1000;
  const double per_s = span_s > 0 ? recent.requests / span_s : 0;
  line.add(pad(name, name_width));
  if (per_s <= 0) {
    line.add(pad(recent.waiting > 0 ? "no answers" : "no requests", 28, true), Style::dim);
  } else {
    const double good = 100 * recent.good / recent.requests;
    const auto style = recent.bad > 0 ? Style::bad : good < 100 ? Style::warning : Style::good;
    line.add(pad(fmt::format("{:.0f}/s", per_s), 9, true));
    line.add(pad(fmt::format("{:.1f} %", std::floor(good * 10) / 10), 9, true), style);
    line.add(pad(recent.p99_ms ? brief_ms(*recent.p99_ms) : "bad", 10, true));
  }
  line.add(pad(fmt::format("{:.0f}", recent.waiting), 9, true),
           recent.waiting > per_s ? Style::warning : Style::dim);  // than a second answers
  line.add("  ");
  add_sparkline(line, ticks, now_ms);
  return line;
}

Line heading(std::string_view words, Size size, bool colour) {
  Line line(size.columns, colour);
  line.add(words, Style::dim);
  return line;
}

}  // namespace

void View::apply(const Json& event) {
  const auto name = text(event, "name");
  if (name == "run_started") {
    *this = View();
    id = text(event, "id");
    experiment = text(event, "experiment");
    title = text(event, "title");
    environment = text(event, "environment");
    profile = text(event, "profile");
  }
  now_ms = std::max(now_ms, number(event, "offset_ms").value_or(0));
  if (name == "phase") {
    phase = text(event, "phase");
    phase_started_ms = now_ms;
    phase_expected_ms = number(event, "expected_ms");
  } else if (name == "tick") {
    tick(event);
  } else if (name == "run_finished") {
    verdict = text(event, "verdict");
    faults.clear();
  }
  if (auto words = in_words(event); !words.text.empty() && name != "run_started") {
    notable.push_back({now_ms, name, std::move(words)});
    if (notable.size() > kept_notable) {
      notable.pop_front();
    }
  }
}

void View::tick(const Json& event) {
  if (const auto expected = number(event, "phase_expected_ms")) {
    phase_expected_ms = expected;
  }
  faults.clear();
  for (const auto& fault : list(event, "faults")) {
    faults.push_back({text(fault, "summary"), number(fault, "age_ms").value_or(0)});
  }
  for (const auto& [name, counts] : object(event, "probes").items()) {
    auto& ticks = probes[name];
    const auto count = [&counts = counts](const char* field) {
      return number(counts, field).value_or(0);
    };
    ticks.push_back({last_tick_ms_, now_ms, count("requests"), count("good"), count("degraded"),
                     count("bad"), count("waiting"), number(counts, "p99_ms")});
    while (ticks.front().to_ms < now_ms - kept_ms) {
      ticks.pop_front();
    }
  }
  last_tick_ms_ = now_ms;
}

std::vector<std::string> frame(const View& view, Size size, bool colour) {
  std::vector<Line> lines{title_line(view, size, colour), phase_line(view, size, colour)};
  for (const auto& fault : view.faults) {
    Line line(size.columns, colour);
    line.add(pad("  in force", name_width), Style::warning);
    line.add(pad(brief_ms(fault.age_ms), 9, true)).add("  ").add(fault.summary, Style::warning);
    lines.push_back(line);
  }
  if (!view.probes.empty()) {
    lines.push_back(heading("", size, colour));
    lines.push_back(heading(pad("PROBE", name_width) + pad("RATE", 9, true) + pad("GOOD", 9, true) +
                                pad("P99", 10, true) + pad("WAITING", 9, true) +
                                "  GOOD BY SECOND, NOW AT THE RIGHT",
                            size, colour));
  }
  for (const auto& [name, ticks] : view.probes) {
    lines.push_back(probe_line(name, ticks, view.now_ms, size, colour));
  }
  lines.push_back(heading("", size, colour));
  for (const auto& notable : view.notable) {
    Line line(size.columns, colour);
    line.add(pad(fmt::format("{:+.2f} s", notable.offset_ms / 1000), 10, true), Style::dim);
    line.add("  " + pad(notable.name, name_width), Style::dim);
    line.add(notable.words.text, notable.words.style);
    lines.push_back(line);
  }
  std::vector<std::string> out;
  const auto room = std::min(lines.size(), size.rows > 1 ? size.rows - 1 : 1);
  for (std::size_t i = 0; i < room; ++i) {
    out.push_back(lines[i].text());
  }
  return out;
}

}  // namespace faultline::report
