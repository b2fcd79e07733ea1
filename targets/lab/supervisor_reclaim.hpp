#pragma once

#include "targets/clock.hpp"

#include <optional>
#include <string>
#include <vector>

namespace faultline::lab {

/// When an instance is reclaimed what happens, counted from the announcement.
struct ReclaimTimes {
  Duration notice{};                      ///< then SIGTERM
  Duration grace{};                       ///< after the notice, then SIGKILL
  std::optional<Duration> replace_after;  ///< after its end; none: no replacement
};

/// One reclaim from its announcement to the replacement, as the cloud does it: event in, commands
/// out, no I/O.
class Reclaim {
 public:
  enum class Command {
    terminate,  ///< SIGTERM, held dead from here on
    kill,       ///< SIGKILL
    withdraw,   ///< the announcement
    start,      ///< let it run again: a new one where none runs
  };
  using Commands = std::vector<Command>;

  Reclaim(ReclaimTimes times, Instant announced) : times_(times), next_(announced + times.notice) {}

  /// When `tick` is wanted next; nothing: never.
  [[nodiscard]] std::optional<Instant> next() const { return next_; }
  /// To be called when that time has come; earlier it is nothing.
  Commands tick(Instant now);
  /// The process has ended, whatever the reason. During the notice that is a crash and not the
  /// reclaim's doing; the reclaim goes on, as the cloud's does.
  void ended(Instant now, const std::string& how);
  /// There was no process to send SIGTERM to.
  void found_dead(Instant now);
  /// At any moment, any number of times. What was asked to end is killed before another starts.
  Commands revert();

  /// How the process ended after it was asked to, in words: "exited with code 0, 12 ms after
  /// SIGTERM"; or how before that: "killed by signal 11 before SIGTERM". Empty: it has not. A
  /// replacement does not change it.
  [[nodiscard]] const std::string& how_it_ended() const { return how_it_ended_; }

 private:
  enum class Phase { announced, terminating, killed, gone, over };
  void is_gone(Instant now, std::string how);

  ReclaimTimes times_;
  Phase phase_ = Phase::announced;
  std::optional<Instant> next_;
  Instant terminated_at_;
  std::string crash_;  ///< how it ended during the notice
  std::string how_it_ended_;
};

}  // namespace faultline::lab
