#pragma once

#include "targets/clock.hpp"
#include "targets/error.hpp"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

/// Answers of Prometheus' HTTP API, version 1, as values: no I/O.
/// Source: https://prometheus.io/docs/prometheus/latest/querying/api
namespace faultline::prometheus {

/// NaN and infinities are values as they came. Prometheus counts time in ms, too.
struct Sample {
  WallTime at;
  double value = 0;
};

using Labels = std::map<std::string, std::string>;
/// As people write it: up{instance="10.0.1.10:8080",job="app"}.
std::string to_string(const Labels& labels);

struct Series {
  Labels labels;
  std::vector<Sample> samples;  ///< in order of time
};

enum class Shape { vector, matrix, scalar, string };

/// What an expression yields. No series is an answer like any other: there is no data.
struct Answer {
  Shape shape = Shape::vector;
  std::vector<Series> series;         ///< a scalar is one without labels
  std::string text;                   ///< of a string
  std::vector<std::string> warnings;  ///< something could not be read: the data may be incomplete
  std::vector<std::string> infos;     ///< remarks on the expression
};

/// More are refused: an alert may have one per instance, a figure has one.
constexpr std::size_t max_series = 1'000;
/// The most that Prometheus itself answers in one series.
constexpr std::size_t max_points = 11'000;

/// `data` of an answer, with its warnings. Errors in the server's own words: `usage` for an
/// expression that it cannot read or execute, `timeout` when it gave up, `refused` for 401 and 403,
/// `not_found` for 404; `io` for what is no answer of Prometheus.
struct Envelope {
  std::vector<std::string> warnings, infos;
};
Result<nlohmann::json> open_envelope(int status, std::string_view body, Envelope& envelope);

/// The answer to a query. Errors: those above; `io` when it is garbage, `refused` beyond a limit,
/// `unsupported` for native histograms, which are no figures.
Result<Answer> parse_answer(int status, std::string_view body);

/// A text as expressions hold it: "a \"b\"".
std::string promql_string(std::string_view text);

}  // namespace faultline::prometheus
