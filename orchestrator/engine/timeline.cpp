#include "orchestrator/engine/timeline.hpp"

#include <cmath>

namespace faultline::engine {
namespace {

constexpr std::size_t max_events = 10'000;  // a script's notes in a loop must not fill the memory

double round_to_us(double ms) {
  return std::round(ms * 1000) / 1000;
}

}  // namespace

Timeline::Json Timeline::event(const std::string& name, Json detail) const {
  const auto now = clock_.now();
  detail["name"] = name;
  detail["t"] = wall(now);
  detail["offset_ms"] = round_to_us(offset_ms(now));
  return detail;
}

void Timeline::tell(const std::string& name, Json detail) {
  const Json told = event(name, std::move(detail));
  if (events_.size() < max_events) {
    events_.push_back(told);
  }
  hand_on(told);
}

void Timeline::show(const std::string& name, Json detail) {
  hand_on(event(name, std::move(detail)));
}

void Timeline::hand_on(const Json& event) {
  if (!sink_) {
    return;
  }
  try {
    sink_(event);
  } catch (const std::exception&) {
    sink_ = nullptr;
  }
}

void Timeline::stamp(Json& out, const std::string& name, std::optional<Instant> at) const {
  out[name] = at ? Json(wall(*at)) : Json();
  out[name + "_offset_ms"] = at ? Json(round_to_us(offset_ms(*at))) : Json();
}

std::string Timeline::wall(Instant at) const {
  return rfc3339(wall_start_ + std::chrono::floor<std::chrono::milliseconds>(at - start_));
}

}  // namespace faultline::engine
