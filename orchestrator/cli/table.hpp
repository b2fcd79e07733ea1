#pragma once

#include <string>
#include <vector>

namespace faultline::cli {

/// Rows as aligned columns, two spaces apart, one line each, the last column as long as it is.
/// `indent` spaces stand before each.
std::string aligned(const std::vector<std::vector<std::string>>& rows, std::size_t indent = 0);

}  // namespace faultline::cli
