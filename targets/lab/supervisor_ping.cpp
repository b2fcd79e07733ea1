#include "targets/lab/supervisor_ping.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace faultline::lab {

double PingSeen::lost_percent() const {
  return sent == 0 ? 0 : 100.0 * (sent - received) / sent;
}

double PingSeen::median_ms() const {
  if (times_ms.empty()) {
    return 0;
  }
  auto sorted = times_ms;
  std::ranges::sort(sorted);
  return sorted[sorted.size() / 2];
}

std::optional<PingSeen> parse_ping(const std::string& printed) {
  PingSeen seen;
  bool summary = false;
  std::istringstream in(printed);
  for (std::string line; std::getline(in, line);) {
    constexpr std::string_view time = " time=";
    if (const auto at = line.find(time); at != std::string::npos) {
      seen.times_ms.push_back(std::strtod(line.c_str() + at + time.size(), nullptr));
    } else if (std::sscanf(line.c_str(), "%d packets transmitted, %d received", &seen.sent,
                           &seen.received) == 2) {
      summary = true;
    }
  }
  return summary ? std::optional(std::move(seen)) : std::nullopt;
}

}  // namespace faultline::lab
