#include "targets/lab/services/limits.hpp"

#include <algorithm>

namespace faultline::services {

std::optional<Bulkhead::Seat> Bulkhead::enter() {
  const std::lock_guard lock(mutex_);
  if (figures_.now >= limit_) {
    ++figures_.rejected;
    return std::nullopt;
  }
  figures_.max = std::max(figures_.max, ++figures_.now);
  return Seat(*this);
}

void Bulkhead::leave() {
  const std::lock_guard lock(mutex_);
  --figures_.now;
}

Bulkhead::Figures Bulkhead::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

void RetryBudget::earn() {
  constexpr double share = 0.1;  ///< of the calls may be tried again in the long run
  const std::lock_guard lock(mutex_);
  figures_.tokens = std::min<double>(limit_, figures_.tokens + share);
}

bool RetryBudget::take() {
  const std::lock_guard lock(mutex_);
  const bool enough = figures_.tokens >= 1;
  figures_.tokens -= enough ? 1 : 0;
  ++(enough ? figures_.taken : figures_.denied);
  return enough;
}

RetryBudget::Figures RetryBudget::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

}  // namespace faultline::services
