#pragma once

#include "orchestrator/engine/environment.hpp"
#include "orchestrator/script/value.hpp"

namespace faultline::script {

/// `guardrails { ... }` of an environment whose zones and stores are known already.
void read_guardrails(lua_State* lua, const Fields& fields, engine::Environment& environment);

}  // namespace faultline::script
