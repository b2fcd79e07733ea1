#pragma once

#include "targets/prometheus/window.hpp"

#include <algorithm>

/// An expression over a window as one figure.
namespace faultline::prometheus {

/// `last`: at the window's end, and no earlier. `mean` is over the points that are numbers.
enum class Take { last, min, max, mean };

struct Question {
  std::string expression;  ///< yields one series, or a scalar
  Window window;
  Take take = Take::last;
  Pulse pulse;
};

enum class Outcome {
  value,
  no_data,       ///< nothing was there, or nothing watched: neither 0 nor a pass
  not_a_number,  ///< NaN where the figure would be, as 0 / 0 gives without traffic
};

/// The figure and what it rests on: `points` numbers, `nan` points that are none, and the rest of
/// `expected` missing, in `gaps`.
struct Figure {
  Outcome outcome = Outcome::no_data;
  double value = 0;  ///< of Outcome::value only; may be infinite
  Take take = Take::last;
  std::size_t expected = 0, points = 0, nan = 0;
  std::size_t unwatched = 0;  ///< of the missing: an answer was there, but from before the gap
  std::vector<Gap> gaps;
  std::vector<std::string> warnings;  ///< the server's; with one, the data may be incomplete

  /// How much of the window has data, 0 to 1.
  [[nodiscard]] double coverage() const {
    return static_cast<double>(points + nan) /
           static_cast<double>(std::max<std::size_t>(1, expected));
  }
};

/// Of the answers to the expression and to the pulse's, both over the window. Errors: `usage` for
/// several series (which says to aggregate them) and for text; `io` for garbage.
Result<Figure> figure_of(const Question& question, const Answer& values, const Answer& pulse);

/// "max 3.2 of 18 points; 3 of 21 missing: 12:00:05.000 to 12:00:07.000", as an objective's reason.
std::string in_words(const Figure& figure);

std::string_view to_string(Take take);
std::string_view to_string(Outcome outcome);

}  // namespace faultline::prometheus
