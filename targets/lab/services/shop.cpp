#include "targets/lab/services/shop.hpp"

#include <fmt/format.h>

namespace faultline::services {

SqlReply SqlProducts::find(const std::string& tenant, const std::string& product,
                           Duration timeout) {
  return pool_.query(fmt::format("SELECT name, price_cents FROM products WHERE tenant={} AND id={}",
                                 sql_text(tenant), sql_text(product)),
                     timeout);
}

SqlReply SqlOrders::place(const Order& order, Duration timeout) {
  return pool_.query(
      fmt::format("INSERT INTO orders (tenant, idempotency_key, product, amount_cents, payment, "
                  "created) VALUES ({}, {}, {}, {}, {}, NOW(3)) ON DUPLICATE KEY UPDATE "
                  "payment = IF(payment = 'pending', VALUES(payment), payment)",
                  sql_text(order.tenant), sql_text(order.key), sql_text(order.product),
                  order.amount_cents, sql_text(order.payment)),
      timeout);
}

}  // namespace faultline::services
