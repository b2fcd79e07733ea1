#include "orchestrator/load/delays.hpp"

#include <algorithm>

namespace faultline::load {

void Delays::add(Duration delay) {
  const auto steps = std::max(delay, Duration::zero()) / step;
  ++counts_[std::min(static_cast<std::size_t>(steps), counts_.size() - 1)];
  ++count_;
}

double Delays::p99_ms() const {
  const auto rank = (count_ * 99 + 99) / 100;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size() && count_ > 0; ++i) {
    seen += counts_[i];
    if (seen >= rank) {
      return to_ms(step) * static_cast<double>(i);
    }
  }
  return 0;
}

}  // namespace faultline::load
