#include "orchestrator/slo/count.hpp"

#include <algorithm>

namespace faultline::slo {

bool at_least(const Count& count, double percent) {
  constexpr double rounding = 1e-9;
  const auto wanted = percent * static_cast<double>(count.requests);
  return 100 * static_cast<double>(count.kept) >= wanted * (1 - rounding);
}

double per_second(const Count& count, Duration window) {
  const double seconds = to_ms(window) / 1000;
  return seconds > 0 ? static_cast<double>(count.kept) / seconds : 0;
}

Count count(const Series& series, Instant from, Instant to, const Keep& keep) {
  const auto samples = series.between(from, to);
  return {samples.size(), static_cast<std::uint64_t>(std::ranges::count_if(samples, keep))};
}

std::vector<Count> count_blocks(const Series& series, Instant from, Instant to, Duration length,
                                const Keep& keep) {
  if (to <= from) {
    return {};
  }
  std::vector<Count> blocks(static_cast<std::size_t>((to - from - Duration(1)) / length) + 1);
  for (const auto& sample : series.between(from, to)) {
    auto& block = blocks[static_cast<std::size_t>((sample.due - from) / length)];
    ++block.requests;
    block.kept += keep(sample) ? 1 : 0;
  }
  return blocks;
}

Tally::Tally(const Series& series, const Keep& keep) : series_(series) {
  kept_before_.reserve(series.samples().size() + 1);
  kept_before_.push_back(0);
  for (const auto& sample : series.samples()) {
    kept_before_.push_back(kept_before_.back() + (keep(sample) ? 1 : 0));
  }
}

Count Tally::between(Instant from, Instant to) const {
  const auto window = series_.between(from, to);
  const auto first = static_cast<std::size_t>(window.data() - series_.samples().data());
  return {window.size(), kept_before_[first + window.size()] - kept_before_[first]};
}

}  // namespace faultline::slo
