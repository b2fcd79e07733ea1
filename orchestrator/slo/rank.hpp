#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace faultline::slo {

/// The nearest rank of a percentile among `count` values in ascending order, from 1 on, so that a
/// percentile is a value that was measured; 0 of none.
inline std::uint64_t nearest_rank(double percent, std::uint64_t count) {
  if (count == 0) {
    return 0;
  }
  // 99.9 % of 1,000 is rank 999, not 1,000 because 0.999 has no exact binary form.
  constexpr double rounding = 1e-12;
  const double exact = percent / 100 * static_cast<double>(count);
  const double rank = std::ceil(exact * (1 - rounding));
  return static_cast<std::uint64_t>(std::clamp(rank, 1.0, static_cast<double>(count)));
}

}  // namespace faultline::slo
