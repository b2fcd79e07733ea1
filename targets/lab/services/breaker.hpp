#pragma once

#include "targets/clock.hpp"

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>

namespace faultline::services {

/// A circuit breaker: calls to somebody who does not answer are not even tried. Closed, it counts;
/// it opens after failures in a row, or when half of the last calls failed; after a pause it lets
/// one call through, whose outcome closes it or opens it again. Thread-safe.
class Breaker {
 public:
  struct Settings {
    int in_a_row = 5;  ///< failures that open it
    int window = 20;   ///< calls of which `share` must fail to open it, too
    double share = 0.5;
    Duration pause = std::chrono::seconds(2);  ///< open, before one call is let through
  };
  enum class State { closed, open, half_open };
  /// Allows one call, whose outcome is to be reported with it.
  struct Ticket {
    std::uint64_t era = 0;
  };

  Breaker(Settings settings, std::function<Instant()> now)
      : settings_(settings), now_(std::move(now)) {}

  /// None: do not call.
  std::optional<Ticket> allow();
  /// Outcomes of calls that were allowed before the breaker last changed are of no interest.
  void report(Ticket ticket, bool good);

  [[nodiscard]] State state() const;
  [[nodiscard]] std::uint64_t opened() const;

 private:
  void enter(State state);

  const Settings settings_;
  const std::function<Instant()> now_;
  mutable std::mutex mutex_;
  State state_ = State::closed;
  Instant until_{};        ///< open
  std::uint64_t era_ = 0;  ///< grows with every change of state
  bool probing_ = false;   ///< half open: the one call is on its way
  int in_a_row_ = 0;
  int calls_ = 0, failed_ = 0;  ///< of the window
  std::uint64_t opened_ = 0;
};
std::string_view to_string(Breaker::State state);

}  // namespace faultline::services
