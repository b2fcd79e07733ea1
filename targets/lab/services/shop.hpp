#pragma once

#include "targets/lab/services/sql_pool.hpp"

namespace faultline::services {

/// Where products come from.
class Products {
 public:
  virtual ~Products() = default;
  /// No row, or one with name and price_cents.
  virtual SqlReply find(const std::string& tenant, const std::string& product,
                        Duration timeout) = 0;
};

struct Order {
  std::string tenant;
  std::string key;  ///< the idempotency key: the client's name for its order
  std::string product;
  int amount_cents = 0;
  std::string payment;  ///< "pending" until it is known
};

/// Where orders go.
class Orders {
 public:
  virtual ~Orders() = default;
  /// ok() only after the database has acknowledged the row. Again with the same key: done, and a
  /// payment that was pending is settled.
  virtual SqlReply place(const Order& order, Duration timeout) = 0;
};

/// Schema `shop` behind the read endpoint.
class SqlProducts : public Products {
 public:
  explicit SqlProducts(SqlPool& pool) : pool_(pool) {}
  SqlReply find(const std::string& tenant, const std::string& product, Duration timeout) override;

 private:
  SqlPool& pool_;
};

/// Schema `shop` behind the cluster endpoint.
class SqlOrders : public Orders {
 public:
  explicit SqlOrders(SqlPool& pool) : pool_(pool) {}
  SqlReply place(const Order& order, Duration timeout) override;

 private:
  SqlPool& pool_;
};

}  // namespace faultline::services
