#pragma once

#include "targets/clock.hpp"

#include <functional>
#include <thread>

namespace faultline::services {

/// Calls `step` again and again on a thread of its own, pausing as long as it says. Ends with the
/// step that is going on.
class Repeat {
 public:
  explicit Repeat(std::function<Duration()> step);

 private:
  std::jthread thread_;
};

}  // namespace faultline::services
