#pragma once

#include "targets/error.hpp"

#include <filesystem>

namespace faultline::database {

/// Builds the data that every node starts from into `into`, which appears complete or not at all;
/// false when it was there. Identical in all nodes: no binary log, no position, no server's name.
Result<bool> build_template(const std::filesystem::path& into);

/// What this machine's template is called in a cache. Error `io`: no server is installed.
Result<std::string> installed_template_name();

}  // namespace faultline::database
