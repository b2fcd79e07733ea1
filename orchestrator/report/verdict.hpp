#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace faultline::report {

/// What users felt first, from the record's `first_symptom`: "login 'status 503' 62 ms after: kill
/// a-redis (SIGKILL)"; empty when they felt nothing.
std::string first_symptom(const nlohmann::json& record);

/// The verdict in one line: what failed or why it is inconclusive, the first symptom, and what to
/// look at.
std::string last_line(const nlohmann::json& record);

}  // namespace faultline::report
