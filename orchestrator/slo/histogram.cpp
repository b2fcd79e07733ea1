#include "orchestrator/slo/histogram.hpp"

#include <cmath>

namespace faultline::slo {

void Histogram::add(const Histogram& other) {
  for (std::size_t slot = 0; slot < counts_.size(); ++slot) {
    counts_[slot] += other.counts_[slot];
  }
  total_ += other.total_;
}

void Histogram::reset() {
  std::ranges::fill(counts_, 0);
  total_ = 0;
}

std::int64_t Histogram::min_us() const {
  const auto first = std::ranges::find_if(counts_, [](std::uint64_t n) { return n != 0; });
  return first == counts_.end() ? 0 : lowest_of(static_cast<std::size_t>(first - counts_.begin()));
}

std::int64_t Histogram::max_us() const {
  return at_percentile(100);
}

double Histogram::mean_us() const {
  double sum = 0;
  for (std::size_t slot = 0; slot < counts_.size(); ++slot) {
    const auto middle = lowest_of(slot) + width_of(slot) / 2;
    sum += static_cast<double>(counts_[slot]) * static_cast<double>(middle);
  }
  return total_ == 0 ? 0 : sum / static_cast<double>(total_);
}

std::int64_t Histogram::at_percentile(double percent) const {
  // The next smaller number: 99.9 % of 1,000 is rank 999, though 99.9 has no exact binary form.
  const double share = std::nextafter(std::clamp(percent, 0.0, 100.0), 0.0) / 100;
  const double rank = std::ceil(share * static_cast<double>(total_));
  const auto wanted = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(rank), 1,
                                                std::max<std::uint64_t>(total_, 1));
  std::uint64_t passed = 0;
  for (std::size_t slot = 0; slot < counts_.size(); ++slot) {
    passed += counts_[slot];
    if (passed >= wanted) {
      return highest_of(slot);
    }
  }
  return 0;
}

}  // namespace faultline::slo
