#pragma once

#include "targets/lab/services/breaker.hpp"
#include "targets/lab/services/http_client.hpp"
#include "targets/lab/services/metrics.hpp"

namespace faultline::services {

/// The third party's side of a payment, idempotent by order.
class PayApi {
 public:
  virtual ~PayApi() = default;
  virtual CallReply charge(const std::string& order, int amount_cents,
                           const CallLimits& limits) = 0;
};

/// POST /charge at the third party.
class HttpPayApi : public PayApi {
 public:
  explicit HttpPayApi(HttpClient& client) : client_(client) {}
  CallReply charge(const std::string& order, int amount_cents, const CallLimits& limits) override;

 private:
  HttpClient& client_;
};

struct Payment {
  enum class Outcome { paid, pending, failed };
  Outcome outcome = Outcome::failed;
  std::string id;   ///< of a payment that is paid
  int status = 0;   ///< of a failed one, for the answer: 502 or 504
  std::string why;  ///< "connect timed out"
};

/// How a checkout pays.
class Payments {
 public:
  virtual ~Payments() = default;
  virtual Payment pay(const std::string& order, int amount_cents) = 0;
};

/// One call that takes as long as it takes; when it fails, so does the checkout.
class PlainPayments : public Payments {
 public:
  PlainPayments(PayApi& api, Metrics& metrics) : api_(api), metrics_(metrics) {}
  Payment pay(const std::string& order, int amount_cents) override;

 private:
  PayApi& api_;
  Metrics& metrics_;
};

/// A call within a time limit, behind a bulkhead and a breaker; when it cannot be made, or fails,
/// the payment is pending and the checkout goes on.
class GuardedPayments : public Payments {
 public:
  struct Parts {
    PayApi& api;
    Breaker& breaker;
    Bulkhead& bulkhead;
    Metrics& metrics;
    std::function<Instant()> now;
    Duration timeout;  ///< connection and answer together
  };
  explicit GuardedPayments(Parts parts) : parts_(std::move(parts)) {}
  Payment pay(const std::string& order, int amount_cents) override;

 private:
  Payment pending(std::string why);
  Parts parts_;
};

}  // namespace faultline::services
