#pragma once

#include <nlohmann/json.hpp>

#include <string>

/// Charts as inline SVG, drawn here so that they are there without JavaScript. Colours come from
/// the page's style; all charts of a run share one time axis.
namespace faultline::report {

/// Phases, faults in force and recoveries over the run's time.
std::string timeline_svg(const nlohmann::json& record);

/// Good, degraded and bad requests by second, stacked; under them p50 and p99; faults shaded. Its
/// points are also in `data-points` for the page's script.
std::string probe_svg(const nlohmann::json& record, const nlohmann::json& probe);

}  // namespace faultline::report
