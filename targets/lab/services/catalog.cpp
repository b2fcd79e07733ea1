#include "targets/lab/services/catalog.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <charconv>

namespace faultline::services {
namespace {

using namespace std::chrono_literals;

constexpr Duration cache_budget = 200ms;  ///< all that the cache may cost one request
/// 140 reads a second over 4,000 products: half of them are older than this, and go to the
/// database.
constexpr std::chrono::seconds cached_for{30};
/// One read takes 1 ms. The balancer in front of the read-only nodes gives up on one that is cut
/// off after 250 ms and takes another: that should still be in time.
constexpr Duration read_timeout = 400ms;
/// For the last time it is made, whether the first or the second: a busy machine is no failure.
constexpr Duration last_read_timeout = 1s;

std::string to_body(const std::vector<std::string>& row) {
  int cents = 0;
  std::from_chars(row[1].data(), row[1].data() + row[1].size(), cents);
  return nlohmann::json{{"name", row[0]}, {"price_cents", cents}}.dump();
}

}  // namespace

Answer Catalog::product(const std::string& tenant, const std::string& product) {
  if (!is_name(tenant) || !is_name(product)) {
    return failed(400, "expected /catalog/<product>?tenant=<tenant>");
  }
  retries_.earn();
  const Instant end = now_() + cache_budget;
  const std::string key = fmt::format("catalog:{}:{}", tenant, product);
  const Reply cached = ask_cache([&](Duration timeout) { return cache_.get(key, timeout); }, end);
  if (cached.ok() && !cached.values.empty()) {
    metrics_.count("cache_total{result=\"hit\"}");
    return {200, cached.values[0]};
  }
  metrics_.count("cache_total{result=\"miss\"}");
  const SqlReply found = find(tenant, product);
  if (!found.ok()) {
    return failed(503, fmt::format("catalogue: {}", in_words(found.error)));
  }
  if (found.rows.empty() || found.rows[0].size() != 2) {
    return failed(404, "no such product");
  }
  Answer answer{200, to_body(found.rows[0])};
  if (cached.ok()) {
    const Instant later = now_() + cache_budget;
    ask_cache([&](Duration timeout) { return cache_.set(key, answer.body, cached_for, timeout); },
              later);
  }
  return answer;
}

Reply Catalog::ask_cache(const std::function<Reply(Duration timeout)>& question, Instant end) {
  if (rest_.resting()) {
    metrics_.count("cache_errors_total{class=\"resting\"}");
    return {RedisError::timeout, "the cache hung a moment ago", {}};
  }
  Reply reply = question(end - now_());
  if (!reply.ok()) {
    metrics_.count(fmt::format("cache_errors_total{{class=\"{}\"}}", to_string(reply.error)));
  }
  if (reply.error == RedisError::timeout) {
    rest_.begin();
  }
  return reply;
}

SqlReply Catalog::find(const std::string& tenant, const std::string& product) {
  const Duration first = retries_.limit() > 0 ? read_timeout : last_read_timeout;
  SqlReply reply = products_.find(tenant, product, first);
  if (passes(reply.error) && retries_.take()) {
    metrics_.count("reads_total{class=\"tried_again\"}");
    reply = products_.find(tenant, product, last_read_timeout);
  }
  metrics_.count(fmt::format("reads_total{{class=\"{}\"}}", to_string(reply.error)));
  return reply;
}

}  // namespace faultline::services
