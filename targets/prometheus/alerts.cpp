#include "targets/prometheus/alerts.hpp"

#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faultline::prometheus {
namespace {

using std::chrono::milliseconds;

/// Two evaluations of an alert that are further apart than this belong to two times of firing: as
/// many intervals as a busy server may be late, and not less than what counts as watched.
constexpr int late_intervals = 3;

milliseconds tolerance(const AlertQuestion& question, milliseconds interval) {
  return std::max(question.pulse.within, late_intervals * interval);
}

std::vector<AlertRule> named(const std::vector<AlertRule>& rules, const std::string& name) {
  std::vector<AlertRule> found;
  std::ranges::copy_if(rules, std::back_inserter(found),
                       [&](const AlertRule& rule) { return rule.name == name; });
  return found;
}

Error no_such_alert(const std::string& name, const std::vector<AlertRule>& rules) {
  std::vector<std::string> names;
  for (const auto& rule : rules) {
    names.push_back(rule.name);
  }
  return {ErrorKind::not_found,
          fmt::format("alert {}: Prometheus has no rule of this name, and no sample of it{}",
                      promql_string(name),
                      names.empty() ? "; it has no alerting rules" : suggestion(name, names))};
}

/// Series of one alert, its pending and its firing samples.
struct States {
  std::vector<WallTime> pending, firing;
};

Result<std::map<Labels, States>> by_labels(const AlertQuestion& question, const Answer& samples) {
  std::map<Labels, States> all;
  for (const auto& series : samples.series) {
    auto labels = series.labels;
    const auto state = labels["alertstate"];
    if (labels["alertname"] != question.name || (state != "pending" && state != "firing")) {
      return Error{ErrorKind::io,
                   fmt::format("expected samples of the alert {}, found {}",
                               promql_string(question.name), to_string(series.labels))};
    }
    for (const auto* known : {"__name__", "alertname", "alertstate"}) {
      labels.erase(known);
    }
    auto& times = state == "firing" ? all[labels].firing : all[labels].pending;
    for (const auto& sample : series.samples) {
      times.push_back(sample.at);
    }
  }
  return all;
}

/// Runs of times that are no further apart than `together`.
std::vector<std::pair<WallTime, WallTime>> runs(const std::vector<WallTime>& times,
                                                milliseconds together) {
  std::vector<std::pair<WallTime, WallTime>> found;
  for (const auto time : times) {
    if (!found.empty() && time - found.back().second <= together) {
      found.back().second = time;
    } else {
      found.emplace_back(time, time);
    }
  }
  return found;
}

/// It fired at the last evaluation before the window's end, which may have been half of one late.
bool lasts(WallTime last, const Window& window, milliseconds interval) {
  return window.to() - last <= interval + interval / 2;
}

void add_firings(AlertHistory& history, const Window& window, milliseconds together,
                 const Labels& labels, const States& states) {
  const auto waits = runs(states.pending, together);
  for (const auto& [from, to] : runs(states.firing, together)) {
    if (to < window.from()) {
      continue;  // over before the window
    }
    Firing firing{
        labels, {}, from, to, from < window.from(), lasts(to, window, history.resolution)};
    for (const auto& [began, ended] : waits) {
      if (began < from && from - ended <= together) {
        firing.pending = began;
      }
    }
    history.firings.push_back(std::move(firing));
  }
}

/// Until when every rule of that name has been evaluated; none: never.
std::optional<WallTime> evaluated_until(const std::vector<AlertRule>& rules) {
  std::optional<WallTime> until;
  for (const auto& rule : rules) {
    if (!rule.last_evaluation) {
      return {};
    }
    until = until ? std::min(*until, *rule.last_evaluation) : rule.last_evaluation;
  }
  return until;
}

}  // namespace

std::string expression_of(const AlertQuestion& question) {
  const auto& window = question.window;
  // The longest interval that Prometheus' documentation shows is a minute.
  const auto before = std::max<milliseconds>(question.pulse.within, std::chrono::minutes(3));
  return fmt::format("ALERTS{{alertname={}}}[{}ms]", promql_string(question.name),
                     (window.to() - window.from() + before).count());
}

const Firing* AlertHistory::first() const {
  const auto found = std::ranges::find_if(firings, [](const Firing& one) { return !one.before; });
  return found == firings.end() ? nullptr : &*found;
}

Result<AlertHistory> history_of(const AlertQuestion& question, const std::vector<AlertRule>& rules,
                                const Answer& samples, const Answer& pulse) {
  const auto mine = named(rules, question.name);
  if (mine.empty() && samples.series.empty()) {
    return no_such_alert(question.name, rules);
  }
  const auto states = by_labels(question, samples);
  auto there = watched(question.window, question.pulse, pulse);
  if (!states || !there) {
    return states ? there.error() : states.error();
  }
  AlertHistory history{.name = question.name, .warnings = samples.warnings};
  history.warnings.insert(history.warnings.end(), pulse.warnings.begin(), pulse.warnings.end());
  for (const auto& rule : mine) {
    history.resolution = std::max(history.resolution, rule.interval);
    history.trouble = history.trouble.empty() ? rule.trouble : history.trouble;
  }
  const auto together = tolerance(question, history.resolution);
  for (const auto& [labels, times] : *states) {
    add_firings(history, question.window, together, labels, times);
  }
  std::ranges::stable_sort(history.firings, {}, &Firing::from);
  const auto until = evaluated_until(mine);
  for (std::size_t i = 0; i < there->size(); ++i) {
    const bool evaluated = until && question.window.at(i) <= *until + together;
    (*there)[i] = (*there)[i] && evaluated && history.trouble.empty();
  }
  history.expected = there->size();
  history.watched = static_cast<std::size_t>(std::ranges::count(*there, true));
  history.gaps = gaps(question.window, *there);
  return history;
}

}  // namespace faultline::prometheus
