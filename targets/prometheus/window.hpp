#pragma once

#include "targets/prometheus/answer.hpp"

#include <optional>

/// Which times are asked for, and which of them the server watched.
namespace faultline::prometheus {

/// From `from` in steps, up to and with `to` when it is met; equal ends are one point.
class Window {
 public:
  /// Error `usage`: the wrong way round, no step, or more than `max_points`.
  static Result<Window> make(WallTime from, WallTime to, std::chrono::milliseconds step);

  [[nodiscard]] WallTime from() const { return from_; }
  [[nodiscard]] WallTime to() const { return to_; }
  [[nodiscard]] std::chrono::milliseconds step() const { return step_; }
  [[nodiscard]] std::size_t points() const {
    return static_cast<std::size_t>((to_ - from_) / step_) + 1;
  }
  [[nodiscard]] WallTime at(std::size_t index) const {
    return from_ + static_cast<std::chrono::milliseconds::rep>(index) * step_;
  }

 private:
  Window(WallTime from, WallTime to, std::chrono::milliseconds step)
      : from_(from), to_(to), step_(step) {}
  WallTime from_, to_;
  std::chrono::milliseconds step_;
};

/// The values at a window's points, none where there is no data. Error `io` for a sample that was
/// not asked for.
Result<std::vector<std::optional<double>>> on_window(const Window& window, const Series& series);

/// Times without data, from the first such point to the last of the run.
struct Gap {
  WallTime from, to;
};
std::vector<Gap> gaps(const Window& window, const std::vector<bool>& there);

/// How the server's own freshness is asked for: `selector` names series that are sampled as long as
/// it is up; `within` is how old the newest of their samples may be, two or three scrape intervals.
struct Pulse {
  std::string selector = "up";
  std::chrono::milliseconds within;
};
std::string expression_of(const Pulse& pulse);
/// Whether the server watched, at each point, by the answer to that expression over the window.
/// Error `usage` when it has no such series.
Result<std::vector<bool>> watched(const Window& window, const Pulse& pulse, const Answer& answer);

}  // namespace faultline::prometheus
