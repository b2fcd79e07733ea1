#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace faultline::services {

/// Counters by their full name, labels included: `requests_total{role="auth",class="good"}`.
/// Thread-safe.
class Metrics {
 public:
  void count(const std::string& series);
  [[nodiscard]] std::map<std::string, std::uint64_t> counters() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t> counters_;
};

}  // namespace faultline::services
