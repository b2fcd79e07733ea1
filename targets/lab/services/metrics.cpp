#include "targets/lab/services/metrics.hpp"

#include <fmt/format.h>

namespace faultline::services {

void Metrics::count(const std::string& series) {
  const std::lock_guard lock(mutex_);
  ++counters_[series];
}

void Metrics::gauge(const std::string& series, std::function<double()> read) {
  const std::lock_guard lock(mutex_);
  gauges_[series] = std::move(read);
}

std::map<std::string, std::uint64_t> Metrics::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

std::string Metrics::text() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& [series, value] : counters_) {
    text += fmt::format("faultline_saas_{} {}\n", series, value);
  }
  for (const auto& [series, read] : gauges_) {
    text += fmt::format("faultline_saas_{} {}\n", series, read());
  }
  return text;
}

}  // namespace faultline::services
