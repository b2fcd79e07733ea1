#include "orchestrator/slo/histogram.hpp"

#include "orchestrator/slo/rank.hpp"

namespace faultline::slo {

void Histogram::add(const Histogram& other) {
  for (std::size_t slot = 0; slot < counts_.size(); ++slot) {
    counts_[slot] += other.counts_[slot];
  }
  total_ += other.total_;
}

std::int64_t Histogram::max_us() const {
  return at_percentile(100);
}

std::int64_t Histogram::at_percentile(double percent) const {
  return at_rank(nearest_rank(percent, total_));
}

std::int64_t Histogram::at_rank(std::uint64_t rank) const {
  std::uint64_t passed = 0;
  for (std::size_t slot = 0; slot < counts_.size() && rank > 0; ++slot) {
    passed += counts_[slot];
    if (passed >= rank) {
      return highest_of(slot);
    }
  }
  return 0;
}

}  // namespace faultline::slo
