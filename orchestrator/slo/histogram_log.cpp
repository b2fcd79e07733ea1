#include "orchestrator/slo/histogram_log.hpp"

#include <fmt/format.h>

namespace faultline::slo {
namespace {

double seconds(Duration d) {
  return std::chrono::duration<double>(d).count();
}

std::string safe(std::string_view tag) {
  std::string name(tag);
  std::ranges::replace_if(
      name, [](unsigned char c) { return c <= ' ' || c == ','; }, '_');
  return name;
}

}  // namespace

std::string log_header(WallTime base) {
  const auto since_epoch = seconds(base.time_since_epoch());
  return fmt::format(
      "#[Histogram log format version 1.3]\n"
      "#[StartTime: {0:.3f} (seconds since epoch), {1}]\n"
      "#[BaseTime: {0:.3f} (seconds since epoch)]\n"
      "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
      "\"Interval_Compressed_Histogram\"\n",
      since_epoch, rfc3339(base));
}

std::string log_line(std::string_view tag, Duration start, Duration length,
                     const Histogram& histogram) {
  const auto max_ms = static_cast<double>(histogram.max_us()) / 1000;
  return fmt::format("{}{:.3f},{:.3f},{:.3f},{}\n",
                     tag.empty() ? "" : fmt::format("Tag={},", safe(tag)), seconds(start),
                     seconds(length), max_ms, histogram.encode());
}

}  // namespace faultline::slo
