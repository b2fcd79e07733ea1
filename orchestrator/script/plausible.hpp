#pragma once

#include "orchestrator/engine/environment.hpp"

#include <cstdint>
#include <optional>

namespace faultline::script {

/// The window that its claim takes: in which so many requests, all of them kept, establish it at
/// 95 %, and at least what one failure lasts. None for what needs no such number, and for 100 %.
std::optional<Duration> sized_window(const engine::Expectation& expectation,
                                     const engine::Environment& environment);

/// How far a window carries a claim: {"requests", "blocks", "establishes_percent",
/// "establishes_percent_by_blocks", "to_establish_ms", "to_establish_by_blocks_ms"}, the last two
/// null for never. Null for what has no percentage.
engine::Json reach_in_json(const engine::Expectation& expectation,
                           const engine::Environment& environment);

/// Refuses a claim that its window cannot express at the probe's rate: 99.9 % of 500 requests, a
/// burn rate that one bad request exceeds, more requests a second than are sent, as many bad
/// seconds as there are. Throws Failure `usage`.
void check_expressible(const engine::Expectation& expectation,
                       const engine::Environment& environment);

/// Also refuses a window in which, at the probe's rate, there often is no request at all.
void check_expressible(const engine::StopCondition& condition,
                       const engine::Environment& environment);

}  // namespace faultline::script
