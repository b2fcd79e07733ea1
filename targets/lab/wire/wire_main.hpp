#pragma once

#include "targets/lab/wire/carrier.hpp"

#include <span>
#include <string>

namespace faultline::wire {

/// "zone-a=core-a,zone-b=core-b": pairs of interfaces, each named once. Error `usage`.
Result<std::vector<LinkEnds>> parse_links(std::string_view text);

/// `--links PAIRS --delay-us N --control PATH`: carries frames between the interfaces of each pair,
/// N microseconds late each way, until it is killed. Returns only when it cannot start: 2 for a
/// wrong command line, 1 otherwise, the reason on standard error.
int wire_main(std::span<const std::string> args);

}  // namespace faultline::wire
