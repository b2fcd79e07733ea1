#include "targets/net/log_line.hpp"

#include "targets/clock.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace faultline::net {

void log_line(std::string_view text) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  fmt::print("{} {}\n", rfc3339(now), text);
  std::fflush(stdout);
}

}  // namespace faultline::net
