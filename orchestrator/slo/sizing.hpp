#pragma once

#include "orchestrator/slo/block_bounds.hpp"

namespace faultline::slo {

/// What it takes to claim that a percentage of requests is kept (or that the percentile of that
/// number is below a limit) at a rate. Two views of what is established: every request is a draw of
/// its own, or every block is (block_bounds.hpp); the truth is between them, and nearer to the
/// second the longer a failure lasts. None: never, as 100 % by any sample.
struct Needed {
  std::optional<Duration> to_express;                ///< below, one loss already breaks the claim
  std::optional<Duration> to_establish_by_requests;  ///< at 95 %, when nothing is lost
  std::optional<Duration> to_establish_by_blocks;
};
Needed needed_for(double percent, double rate_per_s, Duration block = default_block);

/// What a window can say at best, that is when nothing is lost in it.
struct Reach {
  std::uint64_t requests = 0, blocks = 0;
  double expresses_percent = 0;  ///< the highest percentage below 100 that one loss can keep
  double establishes_percent_by_requests = 0;
  double establishes_percent_by_blocks = 0;
};
Reach reach_of(Duration window, double rate_per_s, Duration block = default_block);

}  // namespace faultline::slo
