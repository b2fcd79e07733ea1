#pragma once

#include "orchestrator/engine/environment.hpp"
#include "orchestrator/script/value.hpp"

namespace faultline::script {

/// `prometheus = { ... }` of an environment.
void read_prometheus(lua_State* lua, const Fields& fields, engine::Environment& environment);

/// Refuses a promise about Prometheus where the environment has none, or another one than the
/// promise was written for, and one whose window, if it is known, is too short for its slices.
/// `what` is whose promise it is: "slo 'checkout'". Others pass.
void check_watched(const engine::Expectation& expectation, const engine::Environment& environment,
                   std::string_view what);

}  // namespace faultline::script
