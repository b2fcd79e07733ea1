#include "orchestrator/slo/summary.hpp"

#include "orchestrator/slo/rank.hpp"

#include <algorithm>
#include <limits>
#include <set>

namespace faultline::slo {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

/// Of values in ascending order.
double percentile(const std::vector<double>& sorted, double percent) {
  return sorted.empty() ? infinite : sorted[nearest_rank(percent, sorted.size()) - 1];
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
    if (sample.result == Class::bad) {
      ++summary.bad;
      ++summary.errors[series.error_name(sample.error)];
      bad_seconds.insert((sample.due - from) / std::chrono::seconds(1));
      latencies.push_back(infinite);
    } else {
      ++(sample.result == Class::good ? summary.good : summary.degraded);
      latencies.push_back(to_ms(sample.latency));
      service_times.push_back(to_ms(sample.service_time));
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

double percentile_ms(std::vector<double> ms, double percent) {
  if (ms.empty()) {
    return infinite;
  }
  const auto nth = ms.begin() + static_cast<std::ptrdiff_t>(nearest_rank(percent, ms.size()) - 1);
  std::ranges::nth_element(ms, nth);
  return *nth;
}

double latency_ms(const Sample& sample) {
  return is_served(sample) ? to_ms(sample.latency) : infinite;
}

double latency_percentile_ms(const Series& series, Instant from, Instant to, double percent) {
  const auto samples = series.between(from, to);
  std::vector<double> ms;
  ms.reserve(samples.size());
  std::ranges::transform(samples, std::back_inserter(ms), latency_ms);
  return percentile_ms(std::move(ms), percent);
}

}  // namespace faultline::slo
