#pragma once

#include "targets/lab/services/metrics.hpp"
#include "targets/lab/services/rest.hpp"
#include "targets/lab/services/store.hpp"

namespace faultline::services {

/// Where a checkout leaves what is to be done later.
class JobQueue {
 public:
  virtual ~JobQueue() = default;
  /// Best effort: the order stands without it.
  virtual void push(const std::string& order) = 0;
};

/// A job: deliver the webhook of an order.
struct Job {
  std::string id;
  std::string order;
};

/// What a worker does with the queue. Every call may fail while the store has no primary.
class JobSource {
 public:
  virtual ~JobSource() = default;
  /// Makes the stream and the group where they are not there: after a failover that lost them, too.
  virtual Reply prepare() = 0;
  /// New jobs for this worker, waiting a moment for the first.
  virtual Reply take(std::vector<Job>& jobs) = 0;
  /// Jobs that a worker took and did not finish, because it ended or was cut off.
  virtual Reply claim(std::vector<Job>& jobs) = 0;
  /// Delivers; `first` is false when it was delivered before.
  virtual Reply deliver(const Job& job, bool& first) = 0;
  virtual Reply done(const Job& job) = 0;
  /// Jobs that are taken and not done, of all workers.
  virtual Reply pending(std::uint64_t& count) = 0;
};

/// Both in a Redis stream with a consumer group, "jobs" and "workers". Thread-safe.
class RedisJobs : public JobQueue, public JobSource {
 public:
  RedisJobs(RedisStore& store, std::string worker, std::function<Instant()> now, Metrics& metrics)
      : store_(store), worker_(std::move(worker)), rest_(std::move(now)), metrics_(metrics) {}

  void push(const std::string& order) override;
  Reply prepare() override;
  Reply take(std::vector<Job>& jobs) override;
  Reply claim(std::vector<Job>& jobs) override;
  Reply deliver(const Job& job, bool& first) override;
  Reply done(const Job& job) override;
  Reply pending(std::uint64_t& count) override;

 private:
  RedisStore& store_;
  const std::string worker_;
  Rest rest_;
  Metrics& metrics_;
};

/// The jobs in an answer of XREADGROUP or XAUTOCLAIM, whose lists are flattened: each is its id,
/// the word "order" and the order.
std::vector<Job> jobs_in(const std::vector<std::string>& flat);

}  // namespace faultline::services
