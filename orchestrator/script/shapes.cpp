#include "orchestrator/script/shapes.hpp"

#include <algorithm>

namespace faultline::script {

const Shape& experiment_shape() {
  static const Shape shape{"experiment",
                           {"name", "title", "hypothesis", "owner", "tags", "runbook", "params",
                            "variants", "requires", "probes", "steady_state", "method"}};
  return shape;
}

const Shape& window_shape() {
  static const Shape shape{"run:expect", {"from", "over", "within"}};
  return shape;
}

const Shape& latency_shape() {
  static const Shape shape{"latency", {"p", "below", "versus_baseline", "above", "over"}};
  return shape;
}

const Shape& burn_shape() {
  static const Shape shape{"burn", {"slo", "windows"}};
  return shape;
}

const Shape& burn_window_shape() {
  static const Shape shape{"window", {"long", "short", "factor"}};
  return shape;
}

const Shape& metric_shape() {
  static const Shape shape{"metric", {"name", "take", "below", "above"}};
  return shape;
}

const Shape& good_below_shape() {
  static const Shape shape{"good", {"below", "over"}};
  return shape;
}

const Shape& bad_above_shape() {
  static const Shape shape{"bad", {"above", "over"}};
  return shape;
}

const Shape& versus_shape() {
  static const Shape shape{"versus_baseline", {"times", "plus"}};
  return shape;
}

const Shape& instances_shape() {
  static const Shape shape{"instances", {"service", "spot", "zone", "share"}};
  return shape;
}

const Shape& environment_shape() {
  static const Shape shape{"environment",
                           {"name", "target", "staging", "zones", "client_deadline", "warm_up",
                            "baseline", "settle", "recovery_cap", "prometheus", "probes", "caches",
                            "databases", "slo", "tenants", "guardrails"}};
  return shape;
}

const Shape& cache_shape() {
  static const Shape shape{"cache", {"rto", "rpo"}};
  return shape;
}

const Shape& database_shape() {
  static const Shape shape{"database", {"rto", "rpo"}};
  return shape;
}

const Shape& prometheus_shape() {
  static const Shape shape{"prometheus", {"url", "scrape_interval", "allow"}};
  return shape;
}

const Shape& guardrails_shape() {
  static const Shape shape{"guardrails",
                           {"zones_at_once", "concurrent_faults", "max_instances", "max_duration",
                            "protected", "keep_quorum", "approval", "freeze"}};
  return shape;
}

const Shape& freeze_shape() {
  static const Shape shape{"freeze", {"from", "to", "days", "reason"}};
  return shape;
}

const Shape& http_shape() {
  static const Shape shape{
      "http", {"url",      "method",      "body",       "headers", "expect",   "mix",   "rows",
               "sessions", "tls",         "rate",       "poisson", "stages",   "users", "think",
               "workers",  "connections", "keep_alive", "within",  "deadline", "from",  "service"}};
  return shape;
}

const Shape& request_shape() {
  static const Shape shape{"request",
                           {"name", "weight", "path", "method", "body", "headers", "expect"}};
  return shape;
}

const Shape& login_shape() {
  static const Shape shape{"login", {"path", "method", "body", "headers", "expect"}};
  return shape;
}

const Shape& expect_shape() {
  static const Shape shape{"expect", {"status", "json", "min_bytes", "max_bytes"}};
  return shape;
}

const Shape& sessions_shape() {
  static const Shape shape{"sessions", {"count", "login", "token"}};
  return shape;
}

const Shape& tls_shape() {
  static const Shape shape{"tls", {"name", "ca"}};
  return shape;
}

const Shape& stage_shape() {
  static const Shape shape{"stage", {"rate", "ramp_to", "over"}};
  return shape;
}

const Shape& load_shape() {
  static const Shape shape{"load", {"probes", "duration"}};
  return shape;
}

const Shape& redis_writes_shape() {
  static const Shape shape{
      "redis_writes",
      {"cache", "sentinels", "rate", "within", "deadline", "from", "shows_recovery"}};
  return shape;
}

const Shape& redis_shape() {
  static const Shape shape{"redis", {"cache", "sentinels", "rate", "within", "deadline", "from"}};
  return shape;
}

const Shape& tcp_shape() {
  static const Shape shape{"tcp", {"address", "rate", "within", "deadline", "from"}};
  return shape;
}

const Shape& sql_writes_shape() {
  static const Shape shape{
      "sql_writes",
      {"database", "address", "read_at", "rate", "within", "deadline", "from", "shows_recovery"}};
  return shape;
}

const Shape& replica_lag_shape() {
  static const Shape shape{
      "replica_lag", {"database", "address", "replicas", "rate", "within", "deadline", "from"}};
  return shape;
}

std::vector<const Shape*> shapes() {
  return {&experiment_shape(), &window_shape(),       &latency_shape(),     &good_below_shape(),
          &bad_above_shape(),  &versus_shape(),       &instances_shape(),   &environment_shape(),
          &cache_shape(),      &database_shape(),     &guardrails_shape(),  &freeze_shape(),
          &http_shape(),       &redis_writes_shape(), &redis_shape(),       &tcp_shape(),
          &sql_writes_shape(), &replica_lag_shape(),  &request_shape(),     &login_shape(),
          &expect_shape(),     &sessions_shape(),     &tls_shape(),         &stage_shape(),
          &load_shape(),       &burn_shape(),         &burn_window_shape(), &metric_shape(),
          &prometheus_shape()};
}

bool is_identifier(std::string_view name) {
  constexpr std::size_t longest = 64;  // it is part of file names and of ids
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && name.size() <= longest && letter(name.front()) &&
         std::ranges::all_of(
             name, [&](char c) { return letter(c) || c == '_' || (c >= '0' && c <= '9'); });
}

}  // namespace faultline::script
