#pragma once

#include "orchestrator/slo/count.hpp"

namespace faultline::slo {

enum class Decision { holds, broken, undecided };

/// A window [from, to) with what is known of it: the samples, and how many requests of it have not
/// been reported, because they are not due yet, not answered yet, or lost. These may still turn out
/// as anything; a decision is made only when it cannot depend on them.
struct Window {
  const Series& series;
  Instant from, to;
  std::uint64_t open = 0;    ///< at most that many are open
  Instant open_from = from;  ///< and none of them is due before
};

/// The window while it lasts: requests due before `seen_until` have all been answered or given up,
/// and it holds at most `most` all in all.
Window so_far(const Series& series, Instant from, Instant to, Instant seen_until,
              std::uint64_t most);

// Each is `undecided` while either is possible, and for ever when there is no request at all.

/// "at least `percent` of the requests are kept."
Decision decide_share(const Window& window, const Keep& keep, double percent);
/// "the percentile is at most `ms`", bad requests being slower than anything.
Decision decide_latency(const Window& window, double percentile, double ms);
/// "at most so many requests are bad."
Decision decide_bad(const Window& window, std::uint64_t at_most);
/// "at most so many seconds, counted from the window's start, hold a bad request."
Decision decide_bad_seconds(const Window& window, std::uint64_t at_most);
/// "at least `per_s` requests a second are kept, over the whole window."
Decision decide_throughput(const Window& window, const Keep& keep, double per_s);

}  // namespace faultline::slo
