#pragma once

#include "targets/clock.hpp"

#include <functional>
#include <mutex>

namespace faultline::services {

/// Leaves somebody alone who hung a moment ago, so that his sickness costs few requests their time.
/// Thread-safe.
class Rest {
 public:
  explicit Rest(std::function<Instant()> now) : now_(std::move(now)) {}

  [[nodiscard]] bool resting() const {
    const std::lock_guard lock(mutex_);
    return now_() < until_;
  }
  void begin() {
    constexpr Duration length = std::chrono::milliseconds(500);
    const std::lock_guard lock(mutex_);
    until_ = now_() + length;
  }

 private:
  std::function<Instant()> now_;
  mutable std::mutex mutex_;
  Instant until_{};
};

}  // namespace faultline::services
