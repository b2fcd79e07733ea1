#pragma once

#include "targets/lab/services/flags.hpp"

#include <mutex>
#include <optional>

namespace faultline::services {

/// What one Sentinel says. The epoch grows with every failover, so of two Sentinels that disagree
/// (one may be cut off) the one with the higher epoch knows better.
struct Sighting {
  Endpoint primary;
  std::uint64_t epoch = 0;
};

/// Who the primary is, from what all Sentinels say. Thread-safe.
class PrimaryTracker {
 public:
  /// True when the primary changed by it.
  bool report(const Sighting& sighting);
  /// None before the first report. The last known one stays when the Sentinels fall silent.
  [[nodiscard]] std::optional<Endpoint> current() const;
  /// How often it changed after it was first known.
  [[nodiscard]] std::uint64_t switches() const;

 private:
  mutable std::mutex mutex_;
  std::optional<Sighting> best_;
  std::uint64_t switches_ = 0;
};

}  // namespace faultline::services
