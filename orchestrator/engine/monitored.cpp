#include "orchestrator/engine/monitored.hpp"

#include "orchestrator/slo/openslo.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace faultline::engine {
namespace {

using prometheus::Outcome;
using prometheus::Take;
using slo::Decision;
using std::chrono::milliseconds;

constexpr int fresh_scrapes = 3;  // so many scrapes may fail before it is a gap

prometheus::Pulse pulse_of(const Prometheus& prometheus) {
  return {.within = std::chrono::ceil<milliseconds>(fresh_scrapes * prometheus.scrape_interval)};
}

/// As fine as asked for, or as the server answers.
milliseconds step_of(Duration step, Duration window) {
  const auto finest = window / static_cast<std::int64_t>(prometheus::max_points - 1);
  return std::max(milliseconds(1), std::chrono::ceil<milliseconds>(std::max(step, finest)));
}

/// Points that are missing may only have made it worse.
bool gaps_cannot_matter(Take take, slo::Comparison comparison) {
  const bool upper = comparison == slo::Comparison::below || comparison == slo::Comparison::at_most;
  return (take == Take::max && upper) || (take == Take::min && !upper);
}

void doubt(Objective& o, const std::string& why) {
  o.decision = Decision::undecided;
  o.reason = o.name + ": " + why;
}

std::string warned(const std::vector<std::string>& warnings) {
  return fmt::format("Prometheus warns that the data may be incomplete: {}",
                     fmt::join(warnings, "; "));
}

/// Why an alert that was not seen to fire may have done so all the same; empty: it did not.
std::string unseen(const prometheus::AlertHistory& alert) {
  if (!alert.warnings.empty()) {
    return warned(alert.warnings);
  }
  if (!alert.trouble.empty()) {
    return "Prometheus could not evaluate it: " + alert.trouble;
  }
  if (alert.watched < alert.expected) {
    return fmt::format("no data is not a pass: Prometheus watched {} of {} points of the window",
                       alert.watched, alert.expected);
  }
  return {};
}

}  // namespace

Result<prometheus::Question> metric_question(const Objective& o, const Prometheus& prometheus,
                                             const WallOf& wall) {
  const auto& metric = o.expectation.metric;
  const auto length = o.to - o.from;
  // The last value is that of the window's end; everything else looks at all of it. A point looks
  // back, so the first one is a step into the window, and the last one at its end.
  auto step = step_of(metric.step, length);
  const auto points =
      metric.take == Take::last ? 1 : std::max((length - Duration(1)) / step + 1, 1L);
  step = std::max(milliseconds(1), std::chrono::floor<milliseconds>(length / points));
  const auto from = o.to - (points - 1) * step;
  auto window = prometheus::Window::make(wall(from), wall(o.to), step);
  if (!window) {
    return window.error();
  }
  return prometheus::Question{.expression = slo::with_window(metric.expression, length),
                              .window = *window,
                              .take = metric.take,
                              .pulse = pulse_of(prometheus)};
}

Result<prometheus::AlertQuestion> alert_question(const Objective& o, Instant until,
                                                 const Prometheus& prometheus, const WallOf& wall) {
  const auto to = std::clamp(until, o.from, o.to);
  auto window = prometheus::Window::make(wall(o.from), wall(to),
                                         step_of(std::chrono::seconds(1), to - o.from));
  if (!window) {
    return window.error();
  }
  return prometheus::AlertQuestion{
      .name = o.expectation.subject, .window = *window, .pulse = pulse_of(prometheus)};
}

void judge_metric(Objective& o, const Result<prometheus::Figure>& answer) {
  if (!answer) {
    return doubt(o, answer.error().message);
  }
  o.figure = *answer;
  const auto& figure = *o.figure;
  if (figure.outcome != Outcome::value) {
    return doubt(o,
                 fmt::format("{}{}", prometheus::in_words(figure),
                             figure.outcome == Outcome::no_data ? "; no data is not a pass" : ""));
  }
  o.measured = figure.value;
  const auto& metric = o.expectation.metric;
  if (figure.value < metric.lowest || figure.value > metric.highest) {
    return doubt(o,
                 fmt::format("{:.6g} is no share of anything: are the good ones really a part of "
                             "all, with the same labels?",
                             figure.value));
  }
  const bool holds = slo::holds(figure.value, metric.comparison, o.expectation.threshold);
  const bool whole = figure.points == figure.expected;
  if (!figure.warnings.empty()) {
    return doubt(o, warned(figure.warnings));
  }
  if (!whole && (holds || !gaps_cannot_matter(figure.take, metric.comparison))) {
    return doubt(o, fmt::format("the window has gaps: {}", prometheus::in_words(figure)));
  }
  o.decision = holds ? Decision::holds : Decision::broken;
  o.reason = holds ? "" : broken_in_words(o);
}

void judge_alert(Objective& o, const Result<prometheus::AlertHistory>& answer, const WallOf& wall,
                 bool final) {
  if (!answer) {
    return doubt(o, answer.error().message);
  }
  o.alert = *answer;
  const auto& alert = *o.alert;
  const bool should = o.expectation.sli == Sli::alert;
  const auto* fired = alert.first();
  if (fired != nullptr) {
    o.measured = std::max(
        0.0, std::chrono::duration<double, std::milli>(fired->from - wall(o.from)).count());
    o.decision = should ? Decision::holds : Decision::broken;
    o.reason = should ? "" : broken_in_words(o);
  } else if (!alert.firings.empty()) {  // all of them began before the window
    if (should) {
      return doubt(o,
                   "it was firing already when the window began, so that it fires shows nothing");
    }
    o.measured = 0;
    o.decision = Decision::broken;
    o.reason = broken_in_words(o);
  } else if (final) {
    if (const auto why = unseen(alert); !why.empty()) {
      return doubt(o, why);
    }
    o.decision = should ? Decision::broken : Decision::holds;
    o.reason = should ? broken_in_words(o) : "";
  }
}

Duration arrival_delay(Sli sli, const Prometheus& prometheus) {
  constexpr Duration answering = std::chrono::milliseconds(500);  // a scrape and a rule take time
  return (sli == Sli::metric ? 1 : 2) * prometheus.scrape_interval + answering;
}

}  // namespace faultline::engine
