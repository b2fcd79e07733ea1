#pragma once

#include "orchestrator/script/loader.hpp"

#include <string>

namespace faultline::cli {

/// What a method takes from the environment at most, and each guardrail that it meets on the way,
/// with limit, request and what is left. Lines of at most 100 columns.
std::string radius_in_words(const script::DryRun& dry, const engine::Environment& environment);

/// The same: {"radius", "tenants", "reversibility", "guardrails", "refused"}.
nlohmann::json radius_in_json(const script::DryRun& dry, const engine::Environment& environment);

}  // namespace faultline::cli
