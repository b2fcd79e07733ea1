#pragma once

#include "orchestrator/slo/sample.hpp"

#include <string_view>

/// Series for tests, told as stories.
namespace faultline::slo {

inline const Instant start{std::chrono::hours(1)};

inline Instant at(Duration offset) {
  return start + offset;
}

inline Sample sample(Duration due, Class result, Duration latency = std::chrono::milliseconds(1)) {
  return {at(due), latency, latency, result, 0};
}

/// One request every 100 ms from the start: 'g' good, 'd' degraded, 'b' bad, '.' none.
inline Series series_of(std::string_view story) {
  Series series;
  for (std::size_t i = 0; i < story.size(); ++i) {
    if (story[i] != '.') {
      const auto result = story[i] == 'g'   ? Class::good
                          : story[i] == 'd' ? Class::degraded
                                            : Class::bad;
      series.add(sample(std::chrono::milliseconds(100) * i, result));
    }
  }
  return series;
}

}  // namespace faultline::slo
