#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace faultline::report {

/// One record as text for a terminal: verdict, phases, faults, objectives, recovery, probes.
std::string summary_text(const nlohmann::json& record, bool colour);

}  // namespace faultline::report
