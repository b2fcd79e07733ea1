#include "orchestrator/slo/summary.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace faultline::slo {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

/// Sorted ascending; nearest rank, so the value is one that was measured.
double percentile(const std::vector<double>& sorted, double percent) {
  if (sorted.empty()) {
    return 0;
  }
  // 1e-9: 99.9 % of 1,000 is rank 999, not 1,000 because 0.999 has no exact binary form.
  const auto count = static_cast<double>(sorted.size());
  const double rank = std::ceil(percent / 100 * count - 1e-9);
  return sorted[static_cast<std::size_t>(std::clamp(rank, 1.0, count)) - 1];
}

}  // namespace

double Summary::good_percent() const {
  return requests == 0 ? 0 : 100 * static_cast<double>(good) / static_cast<double>(requests);
}

Summary summarize(const Series& series, Instant from, Instant to) {
  Summary summary;
  std::vector<double> latencies, service_times;
  std::set<std::int64_t> bad_seconds;
  for (const auto& sample : series.between(from, to)) {
    ++summary.requests;
    service_times.push_back(to_ms(sample.service_time));
    if (sample.result == Class::bad) {
      ++summary.bad;
      ++summary.errors[series.error_name(sample.error)];
      bad_seconds.insert((sample.due - from) / std::chrono::seconds(1));
      latencies.push_back(infinite);
    } else {
      ++(sample.result == Class::good ? summary.good : summary.degraded);
      latencies.push_back(to_ms(sample.latency));
    }
  }
  std::ranges::sort(latencies);
  std::ranges::sort(service_times);
  summary.bad_seconds = bad_seconds.size();
  summary.p50_ms = percentile(latencies, 50);
  summary.p90_ms = percentile(latencies, 90);
  summary.p99_ms = percentile(latencies, 99);
  summary.p999_ms = percentile(latencies, 99.9);
  summary.max_ms = percentile(latencies, 100);
  summary.service_p50_ms = percentile(service_times, 50);
  summary.service_p99_ms = percentile(service_times, 99);
  return summary;
}

}  // namespace faultline::slo
