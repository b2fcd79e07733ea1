#pragma once

#include <filesystem>
#include <string>

namespace faultline::cli {

/// Why nothing may be in force: somebody put a file STOP into the home. In words, with its first
/// line and how to remove it; or nobody can tell whether there is one. Empty: there is none.
std::string stop_file(const std::filesystem::path& home);

}  // namespace faultline::cli
