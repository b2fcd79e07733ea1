#pragma once

#include "targets/lab/services/answer.hpp"
#include "targets/lab/services/metrics.hpp"
#include "targets/lab/services/store.hpp"
#include "targets/lab/services/write_hold.hpp"

#include <filesystem>
#include <map>

namespace faultline::services {

/// Products in JSON, by tenant and product.
using Products = std::map<std::string, std::map<std::string, std::string>>;

/// Reads { "<tenant>": { "<product>": {...} } }. Errors name the file and what was expected.
Result<Products> load_products(const std::filesystem::path& file);

/// The role `catalog`: reads through the cache. The source is as good as the cache, so an answer
/// without the cache is a good one; what a sick cache may cost is bounded by its own timeout, and
/// after a timeout it is left alone for a while. Thread-safe.
class Catalog {
 public:
  Catalog(Products products, Store& cache, Time time, Metrics& metrics)
      : products_(std::move(products)), cache_(cache), time_(std::move(time)), metrics_(metrics) {}

  /// GET /catalog/<product>?tenant=
  Answer product(const std::string& tenant, const std::string& product);

 private:
  Reply ask_cache(const std::function<Reply(Duration timeout)>& question, Instant end);

  const Products products_;
  Store& cache_;
  const Time time_;
  Metrics& metrics_;
  std::mutex mutex_;
  Instant rests_until_{};
};

}  // namespace faultline::services
