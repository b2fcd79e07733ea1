#include "orchestrator/slo/decide.hpp"

#include <algorithm>

namespace faultline::slo {
namespace {

/// With the open requests, when all of them are lost, or all are kept.
struct Extremes {
  Count worst, best;
};

Extremes extremes_of(const Count& known, std::uint64_t open) {
  return {{known.requests + open, known.kept}, {known.requests + open, known.kept + open}};
}

Decision decide(const Count& known, bool even_the_worst_holds, bool even_the_best_breaks) {
  if (known.requests == 0) {
    return Decision::undecided;  // nobody asked, so nobody knows
  }
  return even_the_worst_holds   ? Decision::holds
         : even_the_best_breaks ? Decision::broken
                                : Decision::undecided;
}

}  // namespace

Window so_far(const Series& series, Instant from, Instant to, Instant seen_until,
              std::uint64_t most) {
  if (seen_until >= to) {
    return {series, from, to, 0, to};
  }
  // However few were expected, one more is open until the window is over.
  const std::uint64_t known = series.between(from, to).size();
  return {series, from, to, std::max(most, known + 1) - known, std::max(seen_until, from)};
}

Decision decide_share(const Window& window, const Keep& keep, double percent) {
  const auto known = count(window.series, window.from, window.to, keep);
  const auto [worst, best] = extremes_of(known, window.open);
  return decide(known, at_least(worst, percent), !at_least(best, percent));
}

Decision decide_latency(const Window& window, double percentile, double ms) {
  return decide_share(window, within_ms(ms), percentile);
}

Decision decide_bad(const Window& window, std::uint64_t at_most) {
  const auto known = count(window.series, window.from, window.to, is_served);
  const auto [worst, best] = extremes_of(known, window.open);
  return decide(known, worst.lost() <= at_most, best.lost() > at_most);
}

Decision decide_bad_seconds(const Window& window, std::uint64_t at_most) {
  constexpr Duration second = std::chrono::seconds(1);
  const auto seconds = count_blocks(window.series, window.from, window.to, second, is_served);
  Count known;
  std::uint64_t bad = 0, may_turn_bad = 0;
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    const bool is_bad = seconds[i].lost() > 0;
    const bool is_open = window.from + second * (i + 1) > window.open_from;
    known.requests += seconds[i].requests;
    bad += is_bad ? 1 : 0;
    may_turn_bad += !is_bad && is_open ? 1 : 0;
  }
  return decide(known, bad + std::min(may_turn_bad, window.open) <= at_most, bad > at_most);
}

Decision decide_throughput(const Window& window, const Keep& keep, double per_s) {
  constexpr double rounding = 1e-9;
  const auto known = count(window.series, window.from, window.to, keep);
  const auto [worst, best] = extremes_of(known, window.open);
  const auto enough = [&](const Count& counted) {
    return per_second(counted, window.to - window.from) >= per_s * (1 - rounding);
  };
  return decide(known, enough(worst), !enough(best));
}

}  // namespace faultline::slo
