#pragma once

#include "orchestrator/engine/environment.hpp"

namespace faultline::script {

/// Refuses a percentage that its window cannot express at the probe's rate: 99.9 % of 500 requests.
/// Counts are exempt. Throws Failure `usage`.
void check_expressible(const engine::Expectation& expectation,
                       const engine::Environment& environment);

}  // namespace faultline::script
