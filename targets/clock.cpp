#include "targets/clock.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace faultline {

std::string rfc3339(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto ms = (time - seconds).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), ms);
}

std::string in_words(Duration d) {
  const double ms = to_ms(d);
  if (ms < 0) {
    return "-" + in_words(-d);
  }
  if (ms < 1000) {
    return fmt::format("{:.0f} ms", ms);
  }
  if (ms < 120'000) {
    return fmt::format("{:.4g} s", ms / 1000);
  }
  return fmt::format("{:.4g} min", ms / 60'000);
}

}  // namespace faultline
