#pragma once

#include <string>

namespace faultline::crash {

/// Passes one point; the program ends there when it is the one that it is to be killed at.
void point(const std::string& name);
/// Whether this process was started as `... WORD ...`.
bool is_command(const std::string& word);

}  // namespace faultline::crash
