#include "targets/lab/services/metrics.hpp"

namespace faultline::services {

void Metrics::count(const std::string& series) {
  const std::lock_guard lock(mutex_);
  ++counters_[series];
}

std::map<std::string, std::uint64_t> Metrics::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

}  // namespace faultline::services
