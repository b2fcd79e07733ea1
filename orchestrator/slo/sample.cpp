#include "orchestrator/slo/sample.hpp"

#include <algorithm>

namespace faultline::slo {
namespace {

/// A service that puts something unique into every error must not grow the table without end.
constexpr std::size_t max_error_classes = 1'000;
constexpr std::string_view other_errors = "other";

bool due_before(const Sample& sample, Instant at) {
  return sample.due < at;
}

}  // namespace

Keep within_ms(double ms) {
  return [ms](const Sample& sample) { return is_served(sample) && to_ms(sample.latency) <= ms; };
}

void Series::add(const Sample& sample) {
  // Answers come nearly in order, so this is nearly always the end.
  const auto place =
      std::upper_bound(samples_.begin(), samples_.end(), sample.due,
                       [](Instant due, const Sample& other) { return due < other.due; });
  samples_.insert(place, sample);
}

std::uint16_t Series::error_class(std::string_view name) {
  const auto known = std::ranges::find(errors_, name);
  if (known != errors_.end()) {
    return static_cast<std::uint16_t>(known - errors_.begin());
  }
  if (errors_.size() >= max_error_classes && name != other_errors) {
    return error_class(other_errors);
  }
  errors_.emplace_back(name);
  return static_cast<std::uint16_t>(errors_.size() - 1);
}

std::span<const Sample> Series::between(Instant from, Instant to) const {
  const auto first = std::lower_bound(samples_.begin(), samples_.end(), from, due_before);
  const auto last = std::lower_bound(first, samples_.end(), std::max(from, to), due_before);
  return {first, last};
}

}  // namespace faultline::slo
