#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace faultline::cli {

/// Rows as aligned columns, two spaces apart, one line each, the last column as long as it is.
/// `indent` spaces stand before each.
std::string aligned(const std::vector<std::vector<std::string>>& rows, std::size_t indent = 0);

/// `label` and then `text`, broken after a comma or else at a space where a line of a terminal (100
/// columns) is full; each further line begins below the first of `text`. Ends in a newline.
std::string wrapped(const std::string& label, std::string_view text);

}  // namespace faultline::cli
