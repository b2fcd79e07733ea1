#pragma once

#include "targets/error.hpp"

#include <filesystem>

namespace faultline::database {

/// Copies a folder of plain files and folders to `to`, which must not exist; nothing but zeros
/// becomes a hole, so that a copy in memory takes no more than it says. Error `io`.
Result<> copy_tree(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace faultline::database
