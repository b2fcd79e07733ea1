#pragma once

#include "targets/clock.hpp"

#include <functional>

namespace faultline::services {

/// Time and chance, passed in so that tests decide both.
struct Time {
  std::function<Instant()> now;
  std::function<void(Duration)> sleep;
  std::function<double()> random;  ///< in [0, 1)
};
/// The machine's; any thread may call it.
Time machine_time();

}  // namespace faultline::services
