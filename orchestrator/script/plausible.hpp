#pragma once

#include "orchestrator/engine/environment.hpp"

#include <cstdint>
#include <optional>

namespace faultline::script {

/// How many requests fall into the window of a share or a percentile; none for counts, recoveries
/// and probes that the environment does not have.
std::optional<std::uint64_t> requests_in_window(const engine::Expectation& expectation,
                                                const engine::Environment& environment);

/// Refuses a percentage that its window cannot express at the probe's rate: 99.9 % of 500 requests.
/// Counts are exempt. Throws Failure `usage`.
void check_expressible(const engine::Expectation& expectation,
                       const engine::Environment& environment);

/// Also refuses a window in which, at the probe's rate, there often is no request at all.
void check_expressible(const engine::StopCondition& condition,
                       const engine::Environment& environment);

}  // namespace faultline::script
