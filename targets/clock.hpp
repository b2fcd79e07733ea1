#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace faultline {

using Duration = std::chrono::nanoseconds;

/// A point on CLOCK_MONOTONIC, which every process of a lab shares with its orchestrator.
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;

/// Wall-clock time, for people and records; but for freeze windows nothing is decided by it.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

/// Keeps a pending call alive; dropping or calling `cancel` prevents the call.
class Timer {
 public:
  virtual ~Timer() = default;
};

/// Time and timers, passed in so that tests can turn the hands.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() const = 0;
  [[nodiscard]] virtual WallTime wall() const = 0;
  /// How long the machine has been suspended, all in all; `now` does not count it.
  [[nodiscard]] virtual Duration asleep() const { return {}; }
  /// Calls `then` once, on the clock's thread, not before `at` and never from inside this call.
  [[nodiscard]] virtual std::unique_ptr<Timer> at(Instant at, std::function<void()> then) = 0;
};

/// RFC 3339 in UTC with milliseconds: "2026-11-20T12:00:00.000Z".
std::string rfc3339(WallTime time);

inline double to_ms(Duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

/// A duration as people write it: "850 ms", "2.3 s", "5 min".
std::string in_words(Duration d);

}  // namespace faultline
