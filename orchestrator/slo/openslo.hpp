#pragma once

#include "orchestrator/slo/comparison.hpp"
#include "targets/clock.hpp"
#include "targets/error.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Service level objectives as others write them: OpenSLO v1 documents
/// (github.com/OpenSLO/OpenSLO).
namespace faultline::slo {

/// What the queries of an indicator give.
enum class IndicatorKind {
  good_of_total,  ///< `part` counts good events, `total` all of them
  bad_of_total,   ///< `part` counts bad events, `total` all of them
  success_ratio,  ///< `part` is the share of good events itself, 0 to 1
  failure_ratio,  ///< `part` is the share of bad events itself, 0 to 1
  threshold,      ///< `part` is a value that is good while it compares with the objective's limit
};

/// Where the figures come from. `part` and `total` are whole PromQL expressions as they were
/// written, without comments and the blanks around them; `{{.window}}` stands for a window.
struct Indicator {
  std::string name, title;
  IndicatorKind kind = IndicatorKind::good_of_total;
  std::string part;
  std::string total;  ///< of good_of_total and bad_of_total, else empty
  /// The queries count up for ever (but for resets): only differences mean something. Never with
  /// another kind than good_of_total and bad_of_total.
  bool counter = false;
  std::string source;  ///< the DataSource's name; empty when none is referred to
  std::string url;     ///< its connectionDetails.url; empty: the Prometheus of the environment
};

/// The good value of a threshold metric: `value comparison limit`.
struct Limit {
  Comparison comparison = Comparison::at_most;
  double value = 0;
};

/// budgetingMethod Timeslices: time is cut into slices, and a slice is good when at least
/// `target_percent` of its events (of its samples, for a threshold metric) are. What the objective
/// then asks for is a share of good slices.
struct TimeSlice {
  Duration window{};
  double target_percent = 0;
};

/// An AlertCondition: the error budget burns so many times faster than the objective allows.
struct BurnCondition {
  std::string name, policy, severity;
  Comparison comparison = Comparison::at_least;  ///< or above
  double threshold = 1;                          ///< 1: the budget lasts its window exactly
  Duration lookback{};                           ///< what the burn rate is computed over
  Duration after{};                              ///< it must have lasted so long
};

/// One objective of one SLO.
struct ImportedSlo {
  std::string name;             ///< of the SLO; with several objectives "NAME/1", "NAME/2", ...
  std::string slo;              ///< of the SLO
  std::string title;            ///< of the SLO, else its name
  std::string objective_title;  ///< may be empty
  std::string description, service;
  double target_percent = 0;  ///< above 0, below 100
  Indicator indicator;
  std::optional<Limit> limit;           ///< of a threshold metric
  std::optional<TimeSlice> slice;       ///< none: budgetingMethod Occurrences
  std::optional<Duration> time_window;  ///< rolling: of the error budget
  std::vector<BurnCondition> burns;     ///< of its alert policies
  std::string file;
  int line = 0;  ///< of the objective
};

/// Every objective of the SLOs in `text`, in order; `file` is for messages. At least one. Whatever
/// is not supported is refused by name: error `usage`, "FILE:LINE: WHAT: expected ..., found ...".
/// References are to objects of the same text.
Result<std::vector<ImportedSlo>> read_openslo(std::string_view text, const std::string& file);

/// What `read_openslo` takes, and what it refuses by name, a line each.
std::vector<std::string> openslo_supported();

/// What stands for a window's length in queries, until it is known.
inline constexpr std::string_view window_placeholder = "{{.window}}";
/// `query` with it filled in: "30s", "1500ms".
std::string with_window(std::string_view query, Duration window);

/// One PromQL expression for the share of good events, 0 to 1, at an instant that ends the window;
/// for `with_window`.
/// - counters: `sum(increase(PART[window])) / sum(increase(TOTAL[window]))`, which knows resets, of
///   bare selectors alone: increase() of a sum takes a restarted process for a burst, and no range
///   can be put behind an expression. None otherwise: evaluate `part` and `total` at both ends and
///   divide the differences, which must not be negative.
/// - other good and bad of total: `sum(PART) / sum(TOTAL)`; the queries have windows of their own.
/// - ratios: the query itself, or 1 - it.
/// None for a threshold: a share of good samples needs a range query.
std::optional<std::string> good_share(const Indicator& indicator);

}  // namespace faultline::slo
