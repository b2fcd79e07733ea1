#include "targets/lab/services/primary.hpp"

namespace faultline::services {

bool PrimaryTracker::report(const Sighting& sighting) {
  const std::lock_guard lock(mutex_);
  if (best_ && sighting.epoch <= best_->epoch) {
    return false;
  }
  const bool changed = !best_ || best_->primary != sighting.primary;
  switches_ += best_ && changed ? 1 : 0;
  best_ = sighting;
  return changed;
}

std::optional<Endpoint> PrimaryTracker::current() const {
  const std::lock_guard lock(mutex_);
  return best_ ? std::optional(best_->primary) : std::nullopt;
}

std::uint64_t PrimaryTracker::switches() const {
  const std::lock_guard lock(mutex_);
  return switches_;
}

}  // namespace faultline::services
