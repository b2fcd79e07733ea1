#pragma once

#include "targets/clock.hpp"

#include <optional>
#include <string>

namespace faultline::engine {

/// Notices when the time of a run cannot be trusted: the wall clock was set, the machine slept, or
/// this process stood still. Pure.
class TimeWatch {
 public:
  /// Asked every `every`. What went wrong since it was asked last; empty: nothing.
  std::string look(const Clock& clock, Duration every);

 private:
  struct Reading {
    Instant now;
    WallTime wall;
    Duration asleep;
  };
  std::optional<Reading> last_;
};

}  // namespace faultline::engine
