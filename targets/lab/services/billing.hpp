#pragma once

#include "targets/lab/services/answer.hpp"
#include "targets/lab/services/jobs.hpp"
#include "targets/lab/services/payments.hpp"
#include "targets/lab/services/prices.hpp"
#include "targets/lab/services/shop.hpp"
#include "targets/lab/services/write_hold.hpp"

namespace faultline::services {

/// The role `billing`: a checkout is a price from a peer, a payment, a row and a job, in this
/// order.
class Billing {
 public:
  struct Parts {
    Prices& prices;
    Payments& payments;
    Orders& orders;
    WriteHold& hold;
    JobQueue& jobs;
    Metrics& metrics;
  };
  explicit Billing(const Parts& parts) : parts_(parts) {}

  /// POST /checkout {"tenant", "product", "order"} -> {"order", "payment"}, once the database has
  /// acknowledged the order. The same order again is the same checkout. When its payment is
  /// pending, the answer is degraded and says so. Errors name the step: "payment: ...".
  Answer checkout(std::string_view body, Instant deadline);

 private:
  SqlReply place(const Order& order, Instant deadline);
  Parts parts_;
};

}  // namespace faultline::services
