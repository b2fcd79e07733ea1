#include "targets/prometheus/figure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace faultline::prometheus {
namespace {

constexpr std::size_t max_told = 3;  ///< series and gaps that a sentence names

/// The one series that a figure is taken of; none: there is no data at all.
Result<const Series*> only_series(const Question& question, const Answer& answer) {
  if (answer.shape == Shape::string) {
    return Error{ErrorKind::usage, fmt::format("{}: expected a number, found the text {}",
                                               question.expression, promql_string(answer.text))};
  }
  if (answer.series.size() > 1) {
    std::string some;
    for (std::size_t i = 0; i < std::min(max_told, answer.series.size()); ++i) {
      some += (i == 0 ? "" : ", ") + to_string(answer.series[i].labels);
    }
    return Error{
        ErrorKind::usage,
        fmt::format("{}: expected one series, found {}: {}{}; aggregate them, for instance "
                    "sum(...) or max(...)",
                    question.expression, answer.series.size(), some,
                    answer.series.size() > max_told ? ", ..." : "")};
  }
  return answer.series.empty() ? nullptr : &answer.series.front();
}

double taken(Take take, const std::vector<double>& numbers) {
  switch (take) {
    case Take::last:
      return numbers.back();
    case Take::min:
      return std::ranges::min(numbers);
    case Take::max:
      return std::ranges::max(numbers);
    case Take::mean:
      break;
  }
  return std::accumulate(numbers.begin(), numbers.end(), 0.0) / static_cast<double>(numbers.size());
}

/// What the points come to. With `last`, only the last one speaks.
void decide(Figure& figure, std::vector<double> numbers, const std::optional<double>& last) {
  if (figure.take == Take::last) {
    numbers.clear();
    if (last) {
      numbers.push_back(*last);
    }
  }
  if (numbers.empty()) {
    figure.outcome =
        figure.nan > 0 && figure.take != Take::last ? Outcome::not_a_number : Outcome::no_data;
    return;
  }
  const double value = taken(figure.take, numbers);
  figure.outcome = std::isnan(value) ? Outcome::not_a_number : Outcome::value;
  figure.value = std::isnan(value) ? 0 : value;
}

std::string time_of_day(WallTime time) {
  return rfc3339(time).substr(11, 12);
}

std::string gaps_in_words(const std::vector<Gap>& gaps) {
  std::string words;
  for (std::size_t i = 0; i < std::min(max_told, gaps.size()); ++i) {
    words += i == 0 ? "" : ", ";
    words += gaps[i].from == gaps[i].to
                 ? time_of_day(gaps[i].from)
                 : time_of_day(gaps[i].from) + " to " + time_of_day(gaps[i].to);
  }
  return words + (gaps.size() > max_told ? ", ..." : "");
}

}  // namespace

Result<Figure> figure_of(const Question& question, const Answer& values, const Answer& pulse) {
  const auto series = only_series(question, values);
  const auto fresh = watched(question.window, question.pulse, pulse);
  if (!series || !fresh) {
    return series ? fresh.error() : series.error();
  }
  const auto found = on_window(question.window, *series == nullptr ? Series{} : **series);
  if (!found) {
    return found.error();
  }
  Figure figure{.take = question.take, .expected = found->size(), .warnings = values.warnings};
  figure.warnings.insert(figure.warnings.end(), pulse.warnings.begin(), pulse.warnings.end());
  std::vector<double> numbers;
  std::vector<bool> there(found->size(), false);
  for (std::size_t i = 0; i < found->size(); ++i) {
    const auto& value = (*found)[i];
    there[i] = value && (*fresh)[i];
    figure.unwatched += value && !(*fresh)[i] ? 1 : 0;
    figure.nan += there[i] && std::isnan(*value) ? 1 : 0;
    if (there[i] && !std::isnan(*value)) {
      numbers.push_back(*value);
    }
  }
  figure.points = numbers.size();
  figure.gaps = gaps(question.window, there);
  decide(figure, std::move(numbers), there.back() ? found->back() : std::nullopt);
  return figure;
}

std::string in_words(const Figure& figure) {
  std::string words = figure.outcome == Outcome::value
                          ? fmt::format("{} {:.6g} of {} point{}", to_string(figure.take),
                                        figure.value, figure.points, figure.points == 1 ? "" : "s")
                          : fmt::format("{}: {} of {} points are numbers",
                                        to_string(figure.outcome), figure.points, figure.expected);
  if (figure.nan > 0) {
    words += fmt::format("; {} not a number", figure.nan);
  }
  if (!figure.gaps.empty()) {
    words += fmt::format("; {} of {} missing: {}", figure.expected - figure.points - figure.nan,
                         figure.expected, gaps_in_words(figure.gaps));
  }
  if (figure.unwatched > 0) {
    words +=
        fmt::format("; at {} of them the server had not looked for too long", figure.unwatched);
  }
  if (!figure.warnings.empty()) {
    words += "; Prometheus warns: " + figure.warnings.front();
  }
  return words;
}

std::string_view to_string(Take take) {
  switch (take) {
    case Take::last:
      return "last";
    case Take::min:
      return "min";
    case Take::max:
      return "max";
    case Take::mean:
      break;
  }
  return "mean";
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::value:
      return "value";
    case Outcome::no_data:
      return "no data";
    case Outcome::not_a_number:
      break;
  }
  return "not a number";
}

}  // namespace faultline::prometheus
