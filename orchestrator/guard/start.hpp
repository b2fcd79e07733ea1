#pragma once

#include "targets/error.hpp"

#include <filesystem>

namespace faultline::guard {

/// Starts `faultline guard` for a home, in a session of its own; its words go to HOME/guard.log.
/// Returns when it was started, not when it listens.
Result<> start_guard(const std::filesystem::path& home);

/// Ends the process at the other end of a Unix socket, when it is one that this process sees.
void kill_peer(int socket);

}  // namespace faultline::guard
