#pragma once

#include "targets/prometheus/window.hpp"

#include <algorithm>

/// Whether one of the server's own alerts fired, and when.
namespace faultline::prometheus {

/// An alerting rule as the server last evaluated it.
struct AlertRule {
  std::string name, group;
  std::chrono::milliseconds interval{0};    ///< between two evaluations
  std::chrono::milliseconds holds{0};       ///< `for`: pending for so long before it fires
  std::optional<WallTime> last_evaluation;  ///< none: not yet
  std::string trouble;                      ///< why the last evaluation failed; empty: it did not
};

/// The answer of /api/v1/rules?type=alert. Errors as `parse_answer` has them.
Result<std::vector<AlertRule>> parse_alert_rules(int status, std::string_view body);

struct AlertQuestion {
  std::string name;
  Window window;  ///< its step: how finely it is told what the server watched
  Pulse pulse;
};
/// Every evaluation that found it pending or firing, with its own time, asked for at the window's
/// end. It begins before the window, so that an alert that was firing already is told from one that
/// begins.
std::string expression_of(const AlertQuestion& question);

/// One time during which one alert fired: from the first to the last evaluation that found it so.
struct Firing {
  Labels labels;                    ///< without the name and the state
  std::optional<WallTime> pending;  ///< when it began to wait; none when it fired at once
  WallTime from, to;
  bool before = false;   ///< it fired when the window began
  bool lasting = false;  ///< it still did when the window ended
};

/// Each time is one of an evaluation: what it tells of happened up to `resolution` earlier.
struct AlertHistory {
  std::string name;
  std::chrono::milliseconds resolution{0};
  std::vector<Firing> firings;  ///< in order of `from`
  /// That it did not fire says something only where the server watched and evaluated the rule:
  /// at `watched` of `expected` points of the window.
  std::size_t expected = 0, watched = 0;
  std::vector<Gap> gaps;
  std::string trouble;                ///< why the rule could not be evaluated at last
  std::vector<std::string> warnings;  ///< with one, samples may be missing

  /// The first that began within the window.
  [[nodiscard]] const Firing* first() const;
  [[nodiscard]] double coverage() const {
    return static_cast<double>(watched) / static_cast<double>(std::max<std::size_t>(1, expected));
  }
};

/// Error `not_found` when there is neither a rule nor a sample of that name; it names the nearest.
Result<AlertHistory> history_of(const AlertQuestion& question, const std::vector<AlertRule>& rules,
                                const Answer& samples, const Answer& pulse);

}  // namespace faultline::prometheus
