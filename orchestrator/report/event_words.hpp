#pragma once

#include "orchestrator/report/terminal_text.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace faultline::report {

/// An event for people: "applied: kill a-redis (SIGKILL)".
struct EventWords {
  std::string text;  ///< empty for what is not notable: ticks
  Style style = Style::plain;
};
EventWords in_words(const nlohmann::json& event);

}  // namespace faultline::report
