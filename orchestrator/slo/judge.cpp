#include "orchestrator/slo/judge.hpp"

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

bool recovered(const Sample& sample) {
  return sample.result != Class::bad;
}

/// "good / requests is at least percent", exact but for rounding in `percent` itself.
bool at_least(std::uint64_t good, std::uint64_t requests, double percent) {
  constexpr double rounding = 1e-9;
  const auto wanted = percent * static_cast<double>(requests);
  return 100 * static_cast<double>(good) >= wanted * (1 - rounding);
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

Recovery measure_recovery(const Series& series, Instant disruption, Instant until,
                          Duration sustain) {
  const auto samples = series.between(disruption, until);
  const auto since = [disruption](Instant at) { return to_ms(at - disruption); };
  Recovery recovery;
  std::optional<Instant> candidate;
  for (const auto& sample : samples) {
    if (candidate && sample.due - *candidate >= sustain) {
      break;  // it stayed good for long enough, whatever comes now
    }
    if (!recovered(sample)) {
      recovery.symptom_ms = recovery.symptom_ms.value_or(since(sample.due));
      candidate.reset();
    } else if (recovery.symptom_ms && !candidate) {
      candidate = sample.due;
      recovery.first_success_ms = recovery.first_success_ms.value_or(since(sample.due));
    }
  }
  if (candidate && until - *candidate >= sustain) {
    recovery.sustained_ms = since(*candidate);
  }
  // Nothing observed is not "users felt nothing": it must never look like a recovery.
  recovery.censored = samples.empty() || (recovery.symptom_ms && !recovery.sustained_ms);
  recovery.actual_ms = recovery.censored ? since(until) : recovery.sustained_ms.value_or(0);
  if (samples.size() > 1) {
    recovery.resolution_ms =
        to_ms(samples.back().due - samples.front().due) / static_cast<double>(samples.size() - 1);
  }
  return recovery;
}

Decision decide_good(const Series& series, Instant from, Instant to, Instant seen_until,
                     double percent, std::uint64_t expected) {
  const auto samples = series.between(from, to);
  const auto known = static_cast<std::uint64_t>(samples.size());
  const auto good =
      static_cast<std::uint64_t>(std::ranges::count(samples, Class::good, &Sample::result));
  if (seen_until >= to) {
    if (known == 0) {
      return Decision::undecided;  // nobody asked, so nobody knows
    }
    return at_least(good, known, percent) ? Decision::holds : Decision::broken;
  }
  // A window may hold one request more than its length times the rate: one is always still open.
  const auto total = std::max(expected, known + 1);
  if (at_least(good, total, percent)) {
    return Decision::holds;
  }
  return at_least(good + (total - known), total, percent) ? Decision::undecided : Decision::broken;
}

}  // namespace faultline::slo
