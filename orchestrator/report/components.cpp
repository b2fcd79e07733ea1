#include "orchestrator/report/components.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faultline::report {
namespace {

constexpr double low_percent = 50;  // of a core: whoever looks for a busy node finds none

/// The application node with the highest `field`, or null.
const Json* highest_node(const Json& record, std::string_view field) {
  const Json* highest = nullptr;
  for (const auto& component : list(record, "components")) {
    const auto value = number(component, field);
    if (text(component, "kind") == "app" && value &&
        (highest == nullptr || *value > *number(*highest, field))) {
      highest = &component;
    }
  }
  return highest;
}

}  // namespace

std::vector<Json> busiest(const Json& record, std::size_t at_most) {
  std::vector<Json> found;
  for (const auto& component : list(record, "components")) {
    if (number(component, "cpu_percent_max")) {
      found.push_back(component);
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const Json& a, const Json& b) {
    return *number(a, "cpu_percent_max") > *number(b, "cpu_percent_max");
  });
  found.resize(std::min(found.size(), at_most));
  return found;
}

std::string usage_in_words(const Json& record) {
  const auto* cpu = highest_node(record, "cpu_percent_max");
  const auto* memory = highest_node(record, "memory_max_bytes");
  if (cpu == nullptr || memory == nullptr) {
    return "";
  }
  const double percent = *number(*cpu, "cpu_percent_max");
  return fmt::format("{}: at most {:.0f} % of a core ({}) and {} ({})",
                     percent < low_percent ? "CPU and memory of every node stayed low"
                                           : "CPU and memory of the nodes",
                     percent, text(*cpu, "name"), brief_bytes(*number(*memory, "memory_max_bytes")),
                     text(*memory, "name"));
}

std::string machine_in_words(const Json& record) {
  const auto& machine = object(record, "machine");
  const auto idle = number(machine, "cpu_idle_percent");
  const auto own = number(machine, "cpu_own_percent");
  const auto others = number(machine, "cpu_others_percent");
  if (!idle || !own || !others) {
    return "";
  }
  const double disturbed_s = number(machine, "disturbed_s").value_or(0);
  const auto left_nothing =
      disturbed_s > 0 ? fmt::format("; for {:.0f} s they left nothing of it", disturbed_s) : "";
  return fmt::format("{:.0f} % idle, {:.0f} % used by the environment, {:.0f} % by other programs",
                     *idle, *own, *others) +
         left_nothing;
}

std::string brief_bytes(double bytes) {
  constexpr double mebibyte = 1024.0 * 1024;
  return fmt::format("{:.{}f} MiB", bytes / mebibyte, bytes < 10 * mebibyte ? 1 : 0);
}

}  // namespace faultline::report
