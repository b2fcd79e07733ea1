#include "orchestrator/report/chart.hpp"

#include "orchestrator/report/markup.hpp"
#include "orchestrator/report/record.hpp"
#include "orchestrator/report/story.hpp"
#include "orchestrator/report/terminal_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace faultline::report {
namespace {

// All lengths in units of the view box, which the page scales to its width.
constexpr double width = 960;
constexpr double left = 92;  // room for the labels of the rows
constexpr double right = 948;
constexpr double row = 26;
constexpr double text_unit = 6.6;        // of an average letter at 12 units
constexpr std::size_t max_points = 430;  // two units a bar; more are merged
constexpr double bucket_ms = 1000;       // the record's series is by second

/// Time from the start of the run to the place in the chart.
class Axis {
 public:
  explicit Axis(const Json& record) {
    end_ms_ = offset_ms(record, "finished").value_or(0);
    for (const auto& probe : list(record, "probes")) {
      for (const auto& point : list(probe, "series")) {
        end_ms_ = std::max(end_ms_, number(point, "t_ms").value_or(0) + bucket_ms);
      }
    }
    end_ms_ = std::max(end_ms_, bucket_ms);
  }
  [[nodiscard]] double x(double ms) const {
    return left + (right - left) * std::clamp(ms / end_ms_, 0.0, 1.0);
  }
  [[nodiscard]] double end_ms() const { return end_ms_; }

  /// Grid lines from `top` to `bottom`, with their times below.
  [[nodiscard]] std::string grid(double top, double bottom) const {
    static constexpr std::array<double, 10> steps_s{1, 2, 5, 10, 20, 30, 60, 120, 300, 600};
    constexpr double most_lines = 12;
    double step_ms = 3'600'000;
    for (const double step : steps_s) {
      if (end_ms_ / (step * 1000) <= most_lines) {
        step_ms = step * 1000;
        break;
      }
    }
    while (end_ms_ / step_ms > most_lines) {  // a soak of days, or a record that is no record
      step_ms *= 2;
    }
    std::string out;
    for (double t = 0; t <= end_ms_; t += step_ms) {
      out += fmt::format(
          R"(<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>)"
          R"(<text class="tick" x="{0:.1f}" y="{3}" text-anchor="middle">{4}</text>)",
          x(t), top, bottom, bottom + 15, t == 0 ? "0" : fmt::format("{:g} s", t / 1000));
    }
    return out;
  }

 private:
  double end_ms_ = 0;
};

struct Span {
  double from_ms, to_ms;
};

/// When a fault was in force; a fault that was never reverted lasts to the end.
std::optional<Span> in_force(const Json& fault, const Axis& axis) {
  const auto from = offset_ms(fault, "applied_at");
  if (!from) {
    return std::nullopt;
  }
  return Span{*from, offset_ms(fault, "reverted_at").value_or(axis.end_ms())};
}

std::string box(const Axis& axis, Span span, double y, double height, std::string_view css,
                std::string_view tooltip) {
  return fmt::format(R"(<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}" rx="3">)"
                     R"(<title>{}</title></rect>)",
                     css, axis.x(span.from_ms), y,
                     std::max(1.0, axis.x(span.to_ms) - axis.x(span.from_ms)), height,
                     escape(tooltip));
}

/// Text at (x, y) cut to the room that there is; nothing when that is less than a few letters.
std::string label(double x, double y, double room, std::string_view words, std::string_view css) {
  const auto letters = static_cast<std::size_t>(std::max(0.0, room / text_unit));
  if (letters < 4) {
    return "";
  }
  return fmt::format(R"(<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>)", css, x, y,
                     escape(clip(words, letters)));
}

std::string row_name(double y, std::string_view name) {
  return fmt::format(R"(<text class="name" x="{}" y="{}" text-anchor="end">{}</text>)", left - 8,
                     y + 16, escape(clip(name, 12)));
}

std::string phases_row(const Json& record, const Axis& axis, double y) {
  std::string out = row_name(y, "phases");
  bool odd = false;
  for (const auto& phase : list(record, "phases")) {
    const auto from = offset_ms(phase, "started");
    const auto to = offset_ms(phase, "finished");
    if (!from || !to) {
      continue;
    }
    const auto name = text(phase, "name");
    out += box(axis, {*from, *to}, y, row - 4, odd ? "phase odd" : "phase",
               fmt::format("{}: {}", name, brief_ms(*to - *from)));
    out += label(axis.x(*from) + 5, y + 15, axis.x(*to) - axis.x(*from) - 6, name, "inside");
    odd = !odd;
  }
  return out;
}

std::string fault_row(const Json& fault, std::string_view name, const Axis& axis, double y) {
  const auto span = in_force(fault, axis);
  if (!span) {
    return "";
  }
  const auto& actions = list(fault, "actions");
  const auto summary = actions.empty() ? text(fault, "fault") : text(actions.front(), "summary");
  const double begin = axis.x(span->from_ms);
  std::string out = row_name(y, name);
  out += box(axis, *span, y, row - 4, "fault",
             fmt::format("{}: in force for {}", summary, brief_ms(span->to_ms - span->from_ms)));
  out += label(begin + 6, y + 15, right - begin, summary, "inside");
  return out;
}

/// The outage that users saw, with the end that was promised.
std::string recovery_row(const Json& recovery, std::string_view mark, const Axis& axis, double y) {
  const auto actual = number(recovery, "actual_ms");
  const auto disrupted = offset_ms(recovery, "disrupted");
  if (!actual || !disrupted) {
    return "";
  }
  const double start_ms = *disrupted;
  const auto objective = number(recovery, "objective_ms");
  const bool met = objective && *actual <= *objective && !flag(recovery, "censored");
  const auto words =
      fmt::format("{} back after {}{}", recovery_subject(recovery), recovery_actual(recovery),
                  objective ? ", objective " + brief_ms(*objective) : "");
  std::string out = row_name(y, mark.empty() ? "recovery" : fmt::format("recovery {}", mark));
  out += box(axis, {start_ms, start_ms + *actual}, y, row - 4, met ? "outage met" : "outage missed",
             words);
  const double promised = axis.x(start_ms + objective.value_or(*actual));
  if (objective) {
    out += fmt::format(R"(<line class="limit" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>)",
                       promised, y - 3, y + row - 1);
  }
  const double end = std::max(promised, axis.x(start_ms + *actual)) + 6;
  return out + label(end, y + 15, right - end, words, "beside");
}

std::string open_svg(double height, std::string_view css, std::string_view name,
                     std::string_view attributes = "") {
  return fmt::format(R"(<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}"{}>)", css,
                     width, height, escape(name), attributes);
}

/// One bar of the stack, or several seconds merged into one.
struct Point {
  double t_ms = 0, span_ms = bucket_ms;
  double good = 0, degraded = 0, bad = 0;
  std::optional<double> p50_ms, p99_ms;
};

/// None beats any number: a percentile that fell among bad requests is slower than all.
std::optional<double> slower(std::optional<double> a, std::optional<double> b) {
  return a && b ? std::optional(std::max(*a, *b)) : std::nullopt;
}

std::vector<Point> points_of(const Json& probe) {
  const auto& series = list(probe, "series");
  const std::size_t merged = (series.size() + max_points - 1) / max_points;
  std::vector<Point> points;
  for (std::size_t i = 0; i < series.size(); ++i) {
    const Json& second = series[i];
    const Point next{number(second, "t_ms").value_or(0),
                     bucket_ms,
                     number(second, "good").value_or(0),
                     number(second, "degraded").value_or(0),
                     number(second, "bad").value_or(0),
                     number(second, "p50_ms"),
                     number(second, "p99_ms")};
    if (i % merged == 0) {
      points.push_back(next);
      continue;
    }
    auto& last = points.back();
    last.span_ms = next.t_ms + bucket_ms - last.t_ms;
    last.good += next.good;
    last.degraded += next.degraded;
    last.bad += next.bad;
    last.p50_ms = slower(last.p50_ms, next.p50_ms);
    last.p99_ms = slower(last.p99_ms, next.p99_ms);
  }
  return points;
}

constexpr double bars_top = 8, bars_bottom = 98;
constexpr double lines_top = 116, lines_bottom = 196;
constexpr double probe_height = lines_bottom + 24;

/// Lines where a fault began and ended, with its letter between the bars and the curves.
std::string time_mark(const Axis& axis, Span span, std::string_view mark) {
  std::string out;
  for (const double at : {span.from_ms, span.to_ms}) {
    out += fmt::format(R"(<line class="limit" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>)",
                       axis.x(at), bars_top - 4, lines_bottom);
  }
  return out + fmt::format(R"(<text class="tick" x="{:.1f}" y="{}">{}</text>)",
                           axis.x(span.from_ms) + 3, bars_bottom + 12, escape(mark));
}

std::string bars(const std::vector<Point>& points, const Axis& axis) {
  double most = 1;
  for (const auto& p : points) {
    most = std::max(most, (p.good + p.degraded + p.bad) * bucket_ms / p.span_ms);
  }
  const double unit = (bars_bottom - bars_top) / most;
  std::array<std::string, 3> paths;
  for (const auto& p : points) {
    const double x0 = axis.x(p.t_ms);
    const double x1 = std::max(x0 + 0.6, axis.x(p.t_ms + p.span_ms) - 0.6);
    double y = bars_bottom;
    const std::array counts{p.good, p.degraded, p.bad};
    for (std::size_t c = 0; c < counts.size(); ++c) {
      const double height = counts[c] * unit * bucket_ms / p.span_ms;
      if (height > 0) {
        const double shown = std::max(height, 1.5);  // a single bad request must not vanish
        y -= shown;
        paths[c] += fmt::format("M{:.1f} {:.1f}H{:.1f}v{:.1f}H{:.1f}z", x0, y, x1, shown, x0);
      }
    }
  }
  return fmt::format(R"(<path class="good" d="{}"/><path class="degraded" d="{}"/>)"
                     R"(<path class="bad" d="{}"/>)"
                     R"(<text class="tick" x="{}" y="{}" text-anchor="end">{:.0f}/s</text>)"
                     R"(<text class="tick" x="{}" y="{}" text-anchor="end">0</text>)",
                     paths[0], paths[1], paths[2], left - 6, bars_top + 9, most, left - 6,
                     bars_bottom);
}

/// Latency on a logarithmic scale from 0.1 ms to 10 s.
double latency_y(double ms) {
  constexpr double decades = 5;
  constexpr double least_ms = 0.1;
  const double share = std::clamp(std::log10(std::max(ms / least_ms, 1.0)) / decades, 0.0, 1.0);
  return lines_bottom - (lines_bottom - lines_top) * share;
}

std::string curve(const std::vector<Point>& points, const Axis& axis,
                  std::optional<double> Point::*value, std::string_view css) {
  std::string path;
  bool down = false;
  for (const auto& p : points) {
    if (!(p.*value)) {
      down = false;  // slower than any: the mark at the top says so
      continue;
    }
    path += fmt::format("{}{:.1f} {:.1f}", down ? "L" : "M", axis.x(p.t_ms + p.span_ms / 2),
                        latency_y(*(p.*value)));
    path += down ? "" : "h.1";  // so that a lone point is seen
    down = true;
  }
  return fmt::format(R"(<path class="{}" d="{}"/>)", css, path);
}

std::string latencies(const std::vector<Point>& points, const Axis& axis) {
  std::string out;
  for (const auto& [ms, words] : {std::pair(0.1, "0.1 ms"),
                                  {1.0, "1 ms"},
                                  {10.0, "10 ms"},
                                  {100.0, "100 ms"},
                                  {1000.0, "1 s"},
                                  {10000.0, "10 s"}}) {
    out +=
        fmt::format(R"(<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>)"
                    R"(<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>)",
                    left, right, latency_y(ms), latency_y(ms), left - 6, latency_y(ms) + 4, words);
  }
  for (const auto& p : points) {
    if (!p.p99_ms) {
      out += fmt::format(R"(<rect class="bad" x="{:.1f}" y="{}" width="{:.1f}" height="4"/>)",
                         axis.x(p.t_ms), lines_top - 5,
                         std::max(0.6, axis.x(p.t_ms + p.span_ms) - axis.x(p.t_ms) - 0.6));
    }
  }
  return out + curve(points, axis, &Point::p50_ms, "p50") +
         curve(points, axis, &Point::p99_ms, "p99");
}

std::string data_points(const std::vector<Point>& points) {
  const auto value = [](std::optional<double> v) { return v ? Json(*v) : Json(); };
  Json out = Json::array();
  for (const auto& p : points) {
    out.push_back({p.t_ms, p.span_ms, p.good, p.degraded, p.bad, value(p.p50_ms), value(p.p99_ms)});
  }
  return out.dump();
}

}  // namespace

std::string timeline_svg(const Json& record) {
  const Axis axis(record);
  constexpr double top = 6;
  double y = top;
  std::string rows = phases_row(record, axis, y);
  const auto& faults = list(record, "faults");
  for (std::size_t i = 0; i < faults.size(); ++i) {
    if (in_force(faults[i], axis)) {
      rows +=
          fault_row(faults[i], faults.size() > 1 ? "fault " + mark_of(i) : "fault", axis, y += row);
    }
  }
  for (const auto& recovery : list(record, "recovery")) {
    rows += recovery_row(recovery, mark_of_recovery(record, recovery), axis, y += row);
  }
  const double bottom = y + row;
  return open_svg(bottom + 22, "timeline", "Timeline of phases, faults and recoveries") +
         axis.grid(top, bottom) + rows + "</svg>";
}

std::string probe_svg(const Json& record, const Json& probe) {
  const Axis axis(record);
  const auto points = points_of(probe);
  const auto attributes =
      fmt::format(R"( data-left="{}" data-right="{}" data-end="{}" data-points="{}")", left, right,
                  axis.end_ms(), escape(data_points(points)));
  std::string marks;
  std::string out =
      open_svg(probe_height, "probe", "Requests by second and latency of " + text(probe, "name"),
               attributes);
  const auto& faults = list(record, "faults");
  for (std::size_t i = 0; i < faults.size(); ++i) {
    if (const auto span = in_force(faults[i], axis)) {
      out += box(axis, *span, bars_top - 4, lines_bottom - bars_top + 4, "shade",
                 text(faults[i], "fault") + " in force");
      marks += faults.size() < 2 ? "" : time_mark(axis, *span, mark_of(i));
    }
  }
  out += marks;
  return out + axis.grid(bars_top, lines_bottom) + bars(points, axis) + latencies(points, axis) +
         "</svg>";
}

}  // namespace faultline::report
