#pragma once

#include <filesystem>

namespace faultline::guard {

std::filesystem::path socket_path(const std::filesystem::path& home);

/// The guard of a home, until nobody needs it. Ends at once, with 0, when the home has one already.
/// Tells what it does on standard error, a line a thing; returns the exit code.
int guard_main(const std::filesystem::path& home);

}  // namespace faultline::guard
