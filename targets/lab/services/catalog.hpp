#pragma once

#include "targets/lab/services/answer.hpp"
#include "targets/lab/services/limits.hpp"
#include "targets/lab/services/metrics.hpp"
#include "targets/lab/services/rest.hpp"
#include "targets/lab/services/shop.hpp"
#include "targets/lab/services/store.hpp"

#include <functional>

namespace faultline::services {

/// The role `catalog`: reads through the cache. The database is as good as the cache, so an answer
/// without the cache is a good one; what a sick cache may cost is bounded by its own timeout, and
/// after a timeout it is left alone for a while. A read that fails is made once more, if the budget
/// allows it. Thread-safe.
class Catalog {
 public:
  Catalog(Products& products, Store& cache, RetryBudget& retries, std::function<Instant()> now,
          Metrics& metrics)
      : products_(products),
        cache_(cache),
        retries_(retries),
        now_(now),
        rest_(std::move(now)),
        metrics_(metrics) {}

  /// GET /catalog/<product>?tenant= -> {"name", "price_cents"}
  Answer product(const std::string& tenant, const std::string& product);

 private:
  Reply ask_cache(const std::function<Reply(Duration timeout)>& question, Instant end);
  SqlReply find(const std::string& tenant, const std::string& product);

  Products& products_;
  Store& cache_;
  RetryBudget& retries_;
  const std::function<Instant()> now_;
  Rest rest_;
  Metrics& metrics_;
};

}  // namespace faultline::services
