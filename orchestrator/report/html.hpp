#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace faultline::report {

/// One self-contained page for one or several records: no external references, readable without
/// JavaScript, in light and dark, and on paper.
std::string html_page(const std::vector<nlohmann::json>& records);

}  // namespace faultline::report
