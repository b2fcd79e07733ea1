#pragma once

#include "orchestrator/slo/count.hpp"

/// What a window establishes when requests share their moment's fate. One failure over takes all
/// requests of its seconds, so a window of 60 s at 1,000 per s is not 60,000 draws: what is drawn
/// are moments. The window is cut into blocks, and the blocks are the sample.
///
/// The method is a block bootstrap with Dirichlet weights (Rubin's Bayesian bootstrap) over the
/// blocks and one more that nobody has seen, in which everything is lost; the 95th percentile of
/// the lost share is the bound. It is the bound of Learned-Miller and Thomas, "A New Confidence
/// Interval for the Mean of a Bounded Random Variable" (2019), and needs no assumption on how
/// failures are distributed within or among blocks. Where blocks are all or nothing it is exactly
/// Clopper-Pearson of blocks, so n blocks without a loss establish what n requests did if each were
/// alone. Draws have a fixed seed: equal samples give equal bounds.
///
/// Blocks must be independent of each other, so a block must be as long as one failure lasts. A
/// window without a failure cannot tell how long that is; it is the caller's assumption.
namespace faultline::slo {

/// The lab's client deadline: one stall fails what is due within a deadline of it.
inline constexpr Duration default_block = std::chrono::seconds(5);

/// How long a block is for a client that waits for `deadline`: however soon it gives up, failures
/// last for seconds.
Duration block_for(Duration deadline);

/// Blocks of a window of that length: of equal length, `block` or somewhat more, and at least one.
std::uint64_t blocks_in(Duration window, Duration block);

/// A longer window than that is cut into so many, longer ones: with none lost they establish 99.9
/// %.
inline constexpr std::uint64_t max_blocks = 3'000;

struct BlockBound {
  double percent = 0;        ///< at least that share is kept, at 95 % (one-sided); 0 of nothing
  std::uint64_t blocks = 0;  ///< that held a request: the sample size
};
BlockBound established_by_blocks(const Series& series, Instant from, Instant to, const Keep& keep,
                                 Duration block = default_block);

/// The percentile is at most that, at 95 % (one-sided). None when the window is too short to bound
/// it, whatever was measured (99 % needs 299 blocks), or when it may lie among bad requests.
std::optional<double> latency_bound_ms(const Series& series, Instant from, Instant to,
                                       double percentile, Duration block = default_block);

}  // namespace faultline::slo
