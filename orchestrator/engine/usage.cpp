#include "orchestrator/engine/usage.hpp"

#include <algorithm>

namespace faultline::engine {

void Usage::look(const targets::World& world, Instant now, bool counts) {
  const double gap_ms = to_ms(now - last_);
  for (const auto& component : world.components) {
    auto& used = used_[component.name];
    used.kind = component.kind;
    if (component.state == targets::ProcessState::dead) {
      used.cpu_ms.reset();
      continue;
    }
    if (counts) {
      used.memory_max_bytes = std::max(used.memory_max_bytes, component.memory_bytes);
    }
    // Less than before: it was started anew in between.
    if (counts && used.cpu_ms && component.cpu_ms >= *used.cpu_ms && gap_ms > 0) {
      const auto cpu_ms = static_cast<double>(component.cpu_ms - *used.cpu_ms);
      used.cpu_sum_ms += cpu_ms;
      used.time_sum_ms += gap_ms;
      used.cpu_percent_max = std::max(used.cpu_percent_max, 100 * cpu_ms / gap_ms);
    }
    used.cpu_ms = component.cpu_ms;
  }
  last_ = now;
}

targets::Json Usage::record() const {
  using targets::Json;
  Json out = Json::array();
  for (const auto& [name, used] : used_) {
    const bool known = used.time_sum_ms > 0;
    out.push_back(
        {{"name", name},
         {"kind", used.kind},
         {"cpu_percent_mean", known ? Json(100 * used.cpu_sum_ms / used.time_sum_ms) : Json()},
         {"cpu_percent_max", known ? Json(used.cpu_percent_max) : Json()},
         {"memory_max_bytes", used.memory_max_bytes > 0 ? Json(used.memory_max_bytes) : Json()}});
  }
  return out;
}

}  // namespace faultline::engine
