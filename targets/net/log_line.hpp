#pragma once

#include <string_view>

namespace faultline::net {

/// As a part of the lab logs: "2026-11-20T12:00:00.000Z text" on standard output, at once.
void log_line(std::string_view text);

}  // namespace faultline::net
