#include "targets/lab/services/catalog.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fstream>

namespace faultline::services {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr Duration cache_budget = 200ms;  ///< all that the cache may cost one request
constexpr Duration rest = 500ms;          ///< how long a cache that hangs is left alone
constexpr std::chrono::seconds cached_for{60};

}  // namespace

Result<Products> load_products(const std::filesystem::path& file) {
  std::ifstream in(file);
  const Json source = Json::parse(in, nullptr, false);
  if (!source.is_object() || source.empty()) {
    return Error{ErrorKind::usage,
                 fmt::format("{}: expected JSON {{\"tenant\": {{\"product\": {{...}}}}}}, found {}",
                             file.string(), in.is_open() ? source.type_name() : "no such file")};
  }
  Products products;
  for (const auto& [tenant, items] : source.items()) {
    for (const auto& [product, item] : items.items()) {
      products[tenant][product] = item.dump();
    }
  }
  return products;
}

Answer Catalog::product(const std::string& tenant, const std::string& product) {
  const auto shop = products_.find(tenant);
  if (shop == products_.end()) {
    return failed(is_name(tenant) ? 404 : 400, "tenant is required, and must be a known one");
  }
  const Instant end = time_.now() + cache_budget;
  const std::string key = fmt::format("catalog:{}:{}", tenant, product);
  const auto item = shop->second.find(product);
  if (item == shop->second.end()) {
    return failed(404, "no such product");
  }
  const Reply cached = ask_cache([&](Duration timeout) { return cache_.get(key, timeout); }, end);
  if (cached.ok() && !cached.values.empty()) {
    metrics_.count("cache_total{result=\"hit\"}");
    return {200, cached.values[0]};
  }
  metrics_.count("cache_total{result=\"miss\"}");
  if (cached.ok()) {
    ask_cache([&](Duration timeout) { return cache_.set(key, item->second, cached_for, timeout); },
              end);
  }
  return {200, item->second};
}

Reply Catalog::ask_cache(const std::function<Reply(Duration timeout)>& question, Instant end) {
  {
    const std::lock_guard lock(mutex_);
    if (time_.now() < rests_until_) {
      metrics_.count("cache_errors_total{class=\"resting\"}");
      return {RedisError::timeout, "the cache hung a moment ago", {}};
    }
  }
  Reply reply = question(end - time_.now());
  if (!reply.ok()) {
    metrics_.count(fmt::format("cache_errors_total{{class=\"{}\"}}", to_string(reply.error)));
  }
  if (reply.error == RedisError::timeout) {
    const std::lock_guard lock(mutex_);
    rests_until_ = time_.now() + rest;
  }
  return reply;
}

}  // namespace faultline::services
