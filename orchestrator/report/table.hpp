#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace faultline::report {

/// The table at the end of a drill, one row a record, at most 120 columns wide: drill, verdict,
/// good % at worst, p99 of the worst probe, recovery actual against objective, lost writes, what
/// was proved. Ends in a newline.
std::string drill_table(const std::vector<nlohmann::json>& records, bool colour);

}  // namespace faultline::report
