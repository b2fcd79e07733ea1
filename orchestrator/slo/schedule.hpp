#pragma once

#include "targets/clock.hpp"

#include <cstdint>
#include <random>
#include <vector>

/// When requests are due: pure arithmetic, the same in the worker that sends and in whoever judges.
namespace faultline::slo {

/// A part of a load. A ramp is a straight line to `rate_per_s` from the rate before (0 at first).
struct Stage {
  double rate_per_s = 0;
  Duration length{};  ///< the last stage's rate stays after it
  bool ramp = false;
};

/// A load's rate over time.
class Rate {
 public:
  Rate() = default;
  /// One rate for ever.
  explicit Rate(double per_s) : Rate(std::vector<Stage>{{per_s, Duration::zero(), false}}) {}
  /// At least one stage; the last one's rate stays.
  explicit Rate(std::vector<Stage> stages);

  /// How many requests are due in the first `offset` of the load, fractions included.
  [[nodiscard]] double requests_within(Duration offset) const;
  /// The inverse: when so many have become due; Duration::max() when that never happens.
  [[nodiscard]] Duration time_of(double requests) const;
  /// The highest rate of all stages.
  [[nodiscard]] double highest_per_s() const;

 private:
  struct Piece {
    Duration begins{};
    double seconds = 0;       ///< infinite for the last
    double from = 0, to = 0;  ///< requests per second at its beginning and end
    double before = 0;        ///< requests due before it
  };
  std::vector<Piece> pieces_;
};

enum class Spacing { even, poisson };

/// The due times of one worker's requests, in order. Of `workers` that share a load evenly worker
/// `index` has every `workers`-th request; of a Poisson load, its share of independent arrivals.
class Schedule {
 public:
  Schedule(Rate rate, Spacing spacing, std::uint64_t seed, std::uint64_t index = 0,
           std::uint64_t workers = 1);

  /// From the start of the load; Duration::max() when there is no further request.
  Duration next();

 private:
  Rate rate_;
  Spacing spacing_;
  std::mt19937_64 random_;
  double count_, step_;
};

}  // namespace faultline::slo
