#pragma once

#include "targets/lab/services/jobs.hpp"

#include <atomic>

namespace faultline::services {

/// The role `worker`: takes jobs, does them and says so, in this order, so that a job is done at
/// least once whatever ends in between, and its effect happens once because delivering is
/// idempotent. One thread.
class Worker {
 public:
  Worker(JobSource& jobs, std::function<Instant()> now, Metrics& metrics)
      : jobs_(jobs), now_(std::move(now)), metrics_(metrics) {}

  /// One round; returns how long to pause before the next.
  Duration step();
  [[nodiscard]] std::uint64_t pending() const { return pending_; }

 private:
  bool round();
  bool look_for_stale();
  bool work_on(const std::vector<Job>& jobs);
  bool held(const Reply& reply);

  JobSource& jobs_;
  std::function<Instant()> now_;
  Metrics& metrics_;
  bool prepared_ = false;
  Instant next_look_{};
  std::atomic<std::uint64_t> pending_ = 0;
};

}  // namespace faultline::services
