#include "orchestrator/engine/time_watch.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace faultline::engine {
namespace {

/// Less is a busy machine, or a clock that is being slewed; more, and requests, deadlines and the
/// faults' own timing are not what the script asked for.
constexpr Duration tolerated = std::chrono::seconds(1);

}  // namespace

std::string TimeWatch::look(const Clock& clock, Duration every) {
  const Reading now{clock.now(), clock.wall(), clock.asleep()};
  const auto last = std::exchange(last_, now);
  if (!last) {
    return {};
  }
  const auto passed = now.now - last->now;
  const auto slept = now.asleep - last->asleep;
  const auto set = (now.wall - last->wall) - passed - slept;
  if (slept > tolerated) {
    return fmt::format("the machine was suspended for {}", in_words(slept));
  }
  if (set > tolerated || set < -tolerated) {
    return fmt::format("the machine's clock was set {} by {}",
                       set > Duration() ? "forward" : "back", in_words(std::chrono::abs(set)));
  }
  if (passed - every > tolerated) {
    return fmt::format("faultline stood still for {}: it was stopped, or the machine is too busy",
                       in_words(passed - every));
  }
  return {};
}

}  // namespace faultline::engine
