#include "targets/prometheus/window.hpp"

#include <fmt/format.h>

namespace faultline::prometheus {

Result<Window> Window::make(WallTime from, WallTime to, std::chrono::milliseconds step) {
  if (step.count() <= 0 || to < from) {
    return Error{ErrorKind::usage,
                 fmt::format("expected a window that ends after it begins, in steps of 1 ms or "
                             "more, found {} to {} in steps of {} ms",
                             rfc3339(from), rfc3339(to), step.count())};
  }
  const Window window(from, to, step);
  if (window.points() > max_points) {
    return Error{ErrorKind::usage,
                 fmt::format("expected at most {} points, which is what Prometheus answers, found "
                             "{}; ask for a longer step",
                             max_points, window.points())};
  }
  return window;
}

Result<std::vector<std::optional<double>>> on_window(const Window& window, const Series& series) {
  std::vector<std::optional<double>> values(window.points());
  for (const auto& sample : series.samples) {
    const auto offset = sample.at - window.from();
    const auto index = static_cast<std::size_t>(offset / window.step());
    if (offset.count() < 0 || offset % window.step() != std::chrono::milliseconds(0) ||
        index >= values.size() || values[index]) {
      return Error{ErrorKind::io,
                   fmt::format("{}: found a point at {}, which was not asked for, or twice",
                               to_string(series.labels), rfc3339(sample.at))};
    }
    values[index] = sample.value;
  }
  return values;
}

std::vector<Gap> gaps(const Window& window, const std::vector<bool>& there) {
  std::vector<Gap> found;
  for (std::size_t i = 0; i < there.size(); ++i) {
    if (there[i]) {
      continue;
    }
    if (i > 0 && !there[i - 1]) {
      found.back().to = window.at(i);
    } else {
      found.push_back({window.at(i), window.at(i)});
    }
  }
  return found;
}

std::string expression_of(const Pulse& pulse) {
  return "max(timestamp(" + pulse.selector + "))";
}

Result<std::vector<bool>> watched(const Window& window, const Pulse& pulse, const Answer& answer) {
  if (answer.series.size() > 1) {
    return Error{ErrorKind::io, fmt::format("expected one series for {}, found {}",
                                            expression_of(pulse), answer.series.size())};
  }
  std::vector<bool> fresh(window.points(), false);
  if (answer.series.empty()) {
    return fresh;
  }
  const auto newest = on_window(window, answer.series.front());
  if (!newest) {
    return newest.error();
  }
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    const double now_s = std::chrono::duration<double>(window.at(i).time_since_epoch()).count();
    const double within_s = std::chrono::duration<double>(pulse.within).count();
    fresh[i] = (*newest)[i] && now_s - *(*newest)[i] <= within_s;
  }
  return fresh;
}

}  // namespace faultline::prometheus
