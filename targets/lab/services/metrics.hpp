#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace faultline::services {

/// What a node tells of itself, by the full name of each series, labels included:
/// `requests_total{role="auth",class="good"}`. Thread-safe.
class Metrics {
 public:
  void count(const std::string& series);
  /// A figure that is asked for when the page is read. What it reads outlives the last reader.
  void gauge(const std::string& series, std::function<double()> read);

  [[nodiscard]] std::map<std::string, std::uint64_t> counters() const;
  /// Prometheus' text format, every name with the prefix "faultline_saas_".
  [[nodiscard]] std::string text() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t> counters_;
  std::map<std::string, std::function<double()>> gauges_;
};

}  // namespace faultline::services
