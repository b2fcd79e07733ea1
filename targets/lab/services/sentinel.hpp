#pragma once

#include "targets/lab/services/primary.hpp"
#include "targets/lab/services/redis.hpp"

#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace faultline::services {

/// Asks one Sentinel who the primary of `cache` is.
Result<Sighting> ask_sentinel(Connection& sentinel, const std::string& cache, Duration timeout);

/// Asks every Sentinel ten times a second, each on a thread of its own, so that one that hangs or
/// is cut off delays nobody. `get-master-addr-by-name` names the new primary as soon as it is
/// promoted, about a second before `+switch-master` is published, so asking beats subscribing.
class SentinelWatch {
 public:
  /// `on_switch` is called on the watch's threads.
  SentinelWatch(const std::vector<Endpoint>& sentinels, std::string cache, PrimaryTracker& tracker,
                std::function<void(const Endpoint&)> on_switch);

 private:
  void watch(const std::stop_token& stop, const Endpoint& sentinel);

  std::string cache_;
  PrimaryTracker& tracker_;
  std::function<void(const Endpoint&)> on_switch_;
  std::vector<std::jthread> threads_;  // last: they use the rest, and end first
};

}  // namespace faultline::services
