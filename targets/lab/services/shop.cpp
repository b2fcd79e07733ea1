#include "targets/lab/services/shop.hpp"

#include <fmt/format.h>

namespace faultline::services {

SqlReply SqlProducts::find(const std::string& tenant, const std::string& product,
                           Duration timeout) {
  return pool_.query(fmt::format("SELECT name, price_cents FROM products WHERE tenant={} AND id={}",
                                 sql::quoted(tenant), sql::quoted(product)),
                     timeout);
}

SqlReply SqlOrders::place(const Order& order, Duration timeout) {
  return pool_.query(
      fmt::format("INSERT INTO orders (tenant, idempotency_key, product, amount_cents, payment, "
                  "created) VALUES ({}, {}, {}, {}, {}, NOW(3)) ON DUPLICATE KEY UPDATE "
                  "payment = IF(payment = 'pending', VALUES(payment), payment)",
                  sql::quoted(order.tenant), sql::quoted(order.key), sql::quoted(order.product),
                  order.amount_cents, sql::quoted(order.payment)),
      timeout);
}

}  // namespace faultline::services
