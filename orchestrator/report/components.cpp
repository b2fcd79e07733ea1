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

std::string brief_bytes(double bytes) {
  constexpr double mebibyte = 1024.0 * 1024;
  return fmt::format("{:.{}f} MiB", bytes / mebibyte, bytes < 10 * mebibyte ? 1 : 0);
}

}  // namespace faultline::report
