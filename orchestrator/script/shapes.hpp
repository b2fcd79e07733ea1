#pragma once

#include "orchestrator/script/value.hpp"

/// The tables of the language and the fields they may have; each is a class in scripts/lua/api.lua.
namespace faultline::script {

const Shape& experiment_shape();
const Shape& window_shape();
const Shape& latency_shape();
const Shape& burn_shape();
const Shape& burn_window_shape();
const Shape& metric_shape();
const Shape& good_below_shape();
const Shape& bad_above_shape();
const Shape& versus_shape();
const Shape& instances_shape();
const Shape& environment_shape();
const Shape& cache_shape();
const Shape& database_shape();
const Shape& prometheus_shape();
const Shape& guardrails_shape();
const Shape& freeze_shape();
const Shape& http_shape();
const Shape& request_shape();
const Shape& login_shape();
const Shape& expect_shape();
const Shape& sessions_shape();
const Shape& tls_shape();
const Shape& stage_shape();
const Shape& load_shape();
const Shape& redis_writes_shape();
const Shape& redis_shape();
const Shape& tcp_shape();
const Shape& sql_writes_shape();
const Shape& replica_lag_shape();

/// Every one of them, for the documentation test.
std::vector<const Shape*> shapes();

/// Names in records and ids: a-z, 0-9 and _, a letter first, at most 64.
bool is_identifier(std::string_view name);

}  // namespace faultline::script
