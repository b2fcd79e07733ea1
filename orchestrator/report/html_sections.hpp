#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

/// The parts of a run on the page, as escaped markup; empty when the record has nothing for them.
namespace faultline::report {

std::string verdict_badge(std::string_view verdict);
/// Verdict, reason, figures, hypothesis and who ran what where.
std::string banner(const nlohmann::json& record);
std::string timeline_section(const nlohmann::json& record);
std::string objectives_section(const nlohmann::json& record);
/// The recovery in its steps, and what became of the acknowledged writes.
std::string recovery_section(const nlohmann::json& record);
std::string probes_section(const nlohmann::json& record);
/// For a run with several faults; empty for others.
std::string story_section(const nlohmann::json& record);
std::string components_section(const nlohmann::json& record);
std::string faults_section(const nlohmann::json& record);
/// All events, versions and hashes.
std::string evidence_section(const nlohmann::json& record);

}  // namespace faultline::report
