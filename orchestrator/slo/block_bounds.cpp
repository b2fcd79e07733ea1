#include "orchestrator/slo/block_bounds.hpp"

#include "orchestrator/slo/bounds.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace faultline::slo {
namespace {

constexpr double confidence = 0.95;
/// The tail beyond the bound is then 5 % give or take 0.5.
constexpr std::size_t draws = 2'000;
constexpr std::uint64_t seed = 1;

/// The weights of a bootstrap, drawn once: for each draw, one for the block that nobody has seen
/// and one for each of the others. Exponentially distributed, which normalized is Dirichlet.
class Weights {
 public:
  explicit Weights(std::size_t blocks) : per_draw_(blocks + 1), weights_(draws * per_draw_) {
    std::mt19937_64 random(seed);
    for (auto& weight : weights_) {
      weight = -std::log1p(-static_cast<double>(random() >> 11) * 0x1p-53);
    }
  }
  [[nodiscard]] std::span<const double> of(std::size_t draw) const {
    return {weights_.data() + draw * per_draw_, per_draw_};
  }

 private:
  std::size_t per_draw_;
  std::vector<double> weights_;
};

/// The share that is kept at least, in percent; every block holds a request.
double bound_percent(std::span<const Count> blocks, const Weights& weights) {
  Count all;
  for (const auto& block : blocks) {
    all.requests += block.requests;
    all.kept += block.kept;
  }
  if (all.kept == all.requests) {
    return established_percent(blocks.size(), blocks.size());
  }
  const double unseen = static_cast<double>(all.requests) / static_cast<double>(blocks.size());
  std::vector<double> shares(draws);
  for (std::size_t draw = 0; draw < draws; ++draw) {
    const auto weight = weights.of(draw);
    double requests = unseen * weight[0], kept = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      requests += weight[i + 1] * static_cast<double>(blocks[i].requests);
      kept += weight[i + 1] * static_cast<double>(blocks[i].kept);
    }
    shares[draw] = kept / requests;
  }
  const auto nth = static_cast<std::ptrdiff_t>(draws * (1 - confidence));
  std::nth_element(shares.begin(), shares.begin() + nth, shares.end());
  return 100 * shares[static_cast<std::size_t>(nth)];
}

/// The blocks that hold a request.
std::vector<Count> cut(const Series& series, Instant from, Instant to, const Keep& keep,
                       Duration block) {
  if (to <= from) {
    return {};
  }
  const auto number = static_cast<Duration::rep>(std::min(blocks_in(to - from, block), max_blocks));
  const auto length = Duration(((to - from).count() + number - 1) / number);
  auto blocks = count_blocks(series, from, to, length, keep);
  std::erase_if(blocks, [](const Count& counted) { return counted.requests == 0; });
  return blocks;
}

}  // namespace

std::uint64_t blocks_in(Duration window, Duration block) {
  return static_cast<std::uint64_t>(std::max<Duration::rep>(window / block, 1));
}

Duration block_for(Duration deadline) {
  return std::max(deadline, default_block);
}

BlockBound established_by_blocks(const Series& series, Instant from, Instant to, const Keep& keep,
                                 Duration block) {
  const auto blocks = cut(series, from, to, keep, block);
  return {blocks.empty() ? 0 : bound_percent(blocks, Weights(blocks.size())), blocks.size()};
}

std::optional<double> latency_bound_ms(const Series& series, Instant from, Instant to,
                                       double percentile, Duration block) {
  const auto blocks = cut(series, from, to, is_served, block).size();
  if (established_percent(blocks, blocks) < percentile) {
    return std::nullopt;
  }
  std::vector<double> latencies;
  for (const auto& sample : series.between(from, to)) {
    if (is_served(sample)) {
      latencies.push_back(to_ms(sample.latency));
    }
  }
  std::ranges::sort(latencies);
  const Weights weights(blocks);
  // The higher the limit, the more is within it in every draw: the first that suffices is searched.
  const auto suffices = [&](double ms) {
    return bound_percent(cut(series, from, to, within_ms(ms), block), weights) >= percentile;
  };
  const auto found =
      std::ranges::partition_point(latencies, [&](double ms) { return !suffices(ms); });
  return found == latencies.end() ? std::nullopt : std::optional(*found);
}

}  // namespace faultline::slo
