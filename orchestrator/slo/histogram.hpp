#pragma once

#include "targets/error.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::slo {

/// Latencies in microseconds with 3 significant digits from 1 us to 1 h: an HDR histogram. Values
/// share a bucket only with values that differ by less than 0.1 %, so a percentile is the truth
/// within that, and merging loses nothing. About 186 kB, allocated when it is made. A moved-from
/// histogram must not be used.
class Histogram {
 public:
  static constexpr std::int64_t highest_us = 3'600'000'000;

  /// The values [lowest_us, highest_us] and how many were recorded among them.
  struct Bucket {
    std::int64_t lowest_us = 0, highest_us = 0;
    std::uint64_t count = 0;
    bool operator==(const Bucket&) const = default;
  };

  /// Above 1 h counts as 1 h, below 0 as 0.
  void record(std::int64_t us, std::uint64_t count = 1) {
    counts_[slot_of(std::clamp<std::int64_t>(us, 0, highest_us))] += count;
    total_ += count;
  }
  void add(const Histogram& other);  ///< as if everything had been recorded here

  [[nodiscard]] std::uint64_t count() const { return total_; }
  /// The highest value of the bucket in which the value of that rank (nearest_rank) lies; 0 of
  /// nothing, or beyond the last one.
  [[nodiscard]] std::int64_t at_percentile(double percent) const;
  [[nodiscard]] std::int64_t at_rank(std::uint64_t rank) const;
  [[nodiscard]] std::int64_t max_us() const;

  /// Calls `visit(Bucket)` for every bucket that is not empty, in ascending order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t slot = 0; slot < counts_.size(); ++slot) {
      if (counts_[slot] != 0) {
        visit(Bucket{lowest_of(slot), highest_of(slot), counts_[slot]});
      }
    }
  }
  bool operator==(const Histogram&) const = default;

  /// The public HdrHistogram V2 format, deflated and in base64 ("HISTF..."); the unit is 1 us.
  [[nodiscard]] std::string encode() const;
  /// Reads it back, also from other writers when they used 3 digits from 1 upwards. Error `usage`
  /// when the text is not such a histogram, or holds values above 1 h.
  static Result<Histogram> decode(std::string_view text);

 private:
  // 2,048 is the first power of two that tells 1,000 from 1,001 and 2,000 from 2,001. Bucket 0
  // counts [0, 2048) in steps of 1; each further one counts [1024, 2048) << b in steps of 1 << b.
  static constexpr int steps_bits = 11;
  static constexpr std::uint64_t steps = 1U << steps_bits, half = steps / 2;

  static constexpr std::size_t slot_of(std::int64_t us) {
    const auto value = static_cast<std::uint64_t>(us);
    const int bucket = 64 - steps_bits - std::countl_zero(value | (steps - 1));
    return (static_cast<std::size_t>(bucket) * half) + (value >> bucket);
  }
  static constexpr std::size_t bucket_of(std::size_t slot) {
    return slot < steps ? 0 : slot / half - 1;
  }
  static constexpr std::int64_t width_of(std::size_t slot) {
    return std::int64_t{1} << bucket_of(slot);
  }
  static constexpr std::int64_t lowest_of(std::size_t slot) {
    const auto bucket = bucket_of(slot);
    return static_cast<std::int64_t>((slot - bucket * half) << bucket);
  }
  static constexpr std::int64_t highest_of(std::size_t slot) {
    return std::min(lowest_of(slot) + width_of(slot) - 1, highest_us);
  }
  static constexpr std::size_t slots() { return slot_of(highest_us) + 1; }

  Result<void> read_counts(std::string_view counts);  ///< into an empty one

  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(slots());
  std::uint64_t total_ = 0;
};

}  // namespace faultline::slo
