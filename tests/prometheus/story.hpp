#pragma once

#include "targets/prometheus/window.hpp"

#include <cmath>
#include <limits>
#include <string_view>

/// Answers as a line of characters, one for each second from `start`.
namespace faultline::prometheus::story {

constexpr auto second = std::chrono::milliseconds(1'000);
inline const WallTime start{std::chrono::milliseconds(1'795'920'000'000)};

inline WallTime at(double seconds) {
  return start + std::chrono::milliseconds(std::llround(seconds * 1'000));
}

/// From the start, for as many seconds as `points` has characters.
inline Window over(std::string_view points) {
  return Window::make(start, at(static_cast<double>(points.size()) - 1), second).value();
}

/// A digit is a value, 'n' NaN, '+' and '-' the infinities, '.' nothing.
inline Series series(std::string_view points, Labels labels = {}) {
  Series series{std::move(labels), {}};
  for (std::size_t i = 0; i < points.size(); ++i) {
    const char c = points[i];
    const double infinite = std::numeric_limits<double>::infinity();
    const double value = c == 'n'   ? std::nan("")
                         : c == '+' ? infinite
                         : c == '-' ? -infinite
                                    : c - '0';
    if (c != '.') {
      series.samples.push_back({at(static_cast<double>(i)), value});
    }
  }
  return series;
}

inline Answer values(std::string_view points) {
  return {.shape = Shape::matrix, .series = {series(points)}};
}

/// '*': a target was sampled in that second; '.': none was, and the newest sample gets older.
inline Answer pulse(std::string_view sampled) {
  Series newest;
  double last = -1;
  for (std::size_t i = 0; i < sampled.size(); ++i) {
    last = sampled[i] == '*' ? static_cast<double>(i) : last;
    if (last >= 0) {
      const auto seconds = std::chrono::duration<double>(at(last).time_since_epoch()).count();
      newest.samples.push_back({at(static_cast<double>(i)), seconds});
    }
  }
  return {.shape = Shape::matrix, .series = {std::move(newest)}};
}

}  // namespace faultline::prometheus::story
