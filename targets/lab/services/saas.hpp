#pragma once

#include "targets/lab/services/node.hpp"
#include "targets/lab/services/reclaim.hpp"
#include "targets/lab/services/repeat.hpp"
#include "targets/lab/services/sentinel.hpp"
#include "targets/lab/services/worker.hpp"

namespace faultline::services {

/// One node with all its parts, in order: each uses those above it only, and they are destroyed in
/// reverse, so requests end first.
class Saas {
 public:
  Saas(const Flags& flags, Log& log);

  Result<> start();
  /// What is in flight is answered first, 2 s at most.
  void stop();

 private:
  std::unique_ptr<Payments> make_payments();
  void publish_pools();
  void publish_guards();

  const Flags& flags_;
  Log& log_;
  const Time time_ = machine_time();
  Metrics metrics_;
  PrimaryTracker tracker_;  // who the primary of Redis is
  SentinelWatch watch_;
  // Three stores: a cache or a queue that hangs takes no session's connection.
  RedisStore sessions_{tracker_}, cache_{tracker_}, queue_{tracker_};
  SqlPool writable_, readable_;
  SqlOrders orders_{writable_};
  SqlProducts products_{readable_};
  RetryBudget retries_;  // one for all that this node tries again
  WriteHold hold_;       // one for logins and orders
  HttpClient pay_client_;
  HttpPayApi pay_{pay_client_};
  Breaker breaker_;
  Bulkhead bulkhead_;
  std::unique_ptr<Payments> payments_;
  HttpPeers peers_;
  PeerPrices prices_;
  RedisJobs jobs_;
  Auth auth_{sessions_, hold_, random_session_id};
  Catalog catalog_;
  Billing billing_;
  Worker worker_;
  HttpClient metadata_;
  Reclaim reclaim_;
  Node node_;
  std::vector<std::unique_ptr<Repeat>> loops_;  // last: they use the rest
};

}  // namespace faultline::services
