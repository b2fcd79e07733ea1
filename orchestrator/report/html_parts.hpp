#pragma once

#include "orchestrator/report/record.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Pieces of markup that sections of the page share. Values are escaped here, `markup` is not.
namespace faultline::report {

constexpr std::string_view unknown_markup = R"(<span class="unknown">not measured</span>)";

std::string known_or(std::optional<double> value, std::string_view unit);
/// A figure with its name, for a <dl>.
std::string figure(std::string_view name, std::string_view markup, std::string_view css = "");
std::string section(std::string_view title, std::string_view markup);
/// `head`: the cells of the head; `rows`: whole rows.
std::string table(std::string_view head, std::string_view rows);
std::string bullets(const std::vector<std::string>& items);
/// The counts of a writer, for a <dl>.
std::string writes_list(const Json& writes);

}  // namespace faultline::report
