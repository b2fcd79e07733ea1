#pragma once

#include "targets/clock.hpp"

#include <array>
#include <cstdint>

namespace faultline::load {

/// How late requests were sent because of this process and its machine: counts in steps of 0.1 ms
/// up to 1 s, which is twenty times what makes a run inconclusive; anything longer counts as 1 s.
class Delays {
 public:
  void add(Duration delay);
  /// 0 without any.
  [[nodiscard]] double p99_ms() const;
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  static constexpr Duration step = std::chrono::microseconds(100);
  std::array<std::uint64_t, 10'001> counts_{};
  std::uint64_t count_ = 0;
};

}  // namespace faultline::load
