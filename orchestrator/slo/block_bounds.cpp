#include "orchestrator/slo/block_bounds.hpp"

#include "orchestrator/slo/bounds.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace faultline::slo {
namespace {

constexpr double confidence = 0.95;
/// The tail beyond the bound is then 5 % give or take 0.35.
constexpr int draws = 4'000;
constexpr std::uint64_t seed = 1;

using Random = std::mt19937_64;

/// Exponentially distributed with mean 1, from 53 random bits.
double weight(Random& random) {
  return -std::log1p(-static_cast<double>(random() >> 11) * 0x1p-53);
}

/// The share that is kept at least, in percent; every block holds a request.
double bound_percent(std::span<const Count> blocks) {
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
  Random random(seed);
  for (auto& share : shares) {
    double requests = unseen * weight(random), kept = 0;
    for (const auto& block : blocks) {
      const double w = weight(random);
      requests += w * static_cast<double>(block.requests);
      kept += w * static_cast<double>(block.kept);
    }
    share = kept / requests;
  }
  const auto nth = shares.begin() + static_cast<std::ptrdiff_t>(draws * (1 - confidence));
  std::nth_element(shares.begin(), nth, shares.end());
  return 100 * *nth;
}

/// The blocks that hold a request.
std::vector<Count> cut(const Series& series, Instant from, Instant to, const Keep& keep,
                       Duration block) {
  if (to <= from) {
    return {};
  }
  const auto number = static_cast<Duration::rep>(blocks_in(to - from, block));
  const auto length = Duration((to - from).count() / number + 1);  // rounded up: not one too many
  auto blocks = count_blocks(series, from, to, length, keep);
  std::erase_if(blocks, [](const Count& counted) { return counted.requests == 0; });
  return blocks;
}

}  // namespace

std::uint64_t blocks_in(Duration window, Duration block) {
  return static_cast<std::uint64_t>(std::max<Duration::rep>(window / block, 1));
}

BlockBound established_by_blocks(const Series& series, Instant from, Instant to, const Keep& keep,
                                 Duration block) {
  const auto blocks = cut(series, from, to, keep, block);
  return {blocks.empty() ? 0 : bound_percent(blocks), blocks.size()};
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
  // The higher the limit, the more is within it in every draw: the first that suffices is searched.
  const auto suffices = [&](double ms) {
    return bound_percent(cut(series, from, to, within_ms(ms), block)) >= percentile;
  };
  const auto found =
      std::ranges::partition_point(latencies, [&](double ms) { return !suffices(ms); });
  return found == latencies.end() ? std::nullopt : std::optional(*found);
}

}  // namespace faultline::slo
