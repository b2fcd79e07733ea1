#include "orchestrator/script/params.hpp"

#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace faultline::script {
namespace {

std::string in_words(const Json& value) {
  if (is_duration(value)) {
    return faultline::in_words(std::chrono::duration_cast<Duration>(
        std::chrono::duration<double, std::milli>(value["ms"].get<double>())));
  }
  return value.is_string() ? "'" + value.get<std::string>() + "'" : value.dump();
}

const Choice* choice_of(const Definition& definition, const std::string& name) {
  const auto it = std::ranges::find_if(definition.choices,
                                       [&](const auto& choice) { return choice.first == name; });
  return it == definition.choices.end() ? nullptr : &it->second;
}

std::string_view kind_of(const Json& value) {
  return is_duration(value)   ? "a duration such as 20s"
         : value.is_number()  ? "a number"
         : value.is_boolean() ? "true or false"
         : value.is_string()  ? "a text"
                              : "a table";
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(value) : std::nullopt;
}

/// A value from the command line, in the type of the parameter's default.
Json parse(const std::string& name, const std::string& text, const Json& fallback) {
  if (fallback.is_string()) {
    return Json(text);
  }
  if (fallback.is_boolean() && (text == "true" || text == "false")) {
    return Json(text == "true");
  }
  if (const auto number = parse_number(text); number && fallback.is_number()) {
    const bool whole =
        fallback.is_number_integer() && *number == static_cast<double>(static_cast<long>(*number));
    return whole ? Json(static_cast<long>(*number)) : Json(*number);
  }
  if (const auto duration = parse_duration(text); duration && is_duration(fallback)) {
    return to_json(*duration);
  }
  refuse(fmt::format("--var {}: expected {}, found '{}'", name, kind_of(fallback), text));
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    double nanoseconds;
  };
  constexpr std::array units{Unit{"ms", 1e6},      Unit{"minute", 60e9}, Unit{"min", 60e9},
                             Unit{"hour", 3600e9}, Unit{"s", 1e9},       Unit{"m", 60e9},
                             Unit{"h", 3600e9}};
  constexpr double longest = 366.0 * 86'400 * 1e9;  // a year, as in scripts
  for (const auto& unit : units) {
    if (text.ends_with(unit.name)) {
      auto digits = text.substr(0, text.size() - unit.name.size());
      while (digits.ends_with(' ') || digits.ends_with('*')) {
        digits.remove_suffix(1);
      }
      const auto number = parse_number(digits);
      if (!number || !(*number >= 0 && *number * unit.nanoseconds <= longest)) {
        return std::nullopt;
      }
      return Duration(static_cast<Duration::rep>(*number * unit.nanoseconds));
    }
  }
  return std::nullopt;
}

void check_param(const Definition& definition, const std::string& name, const Json& value,
                 const std::string& what) {
  const auto& params = definition.experiment.params;
  if (!params.contains(name)) {
    std::vector<std::string> names;
    for (const auto& [known, fallback] : params.items()) {
      names.push_back(known);
    }
    refuse(fmt::format("{}: unknown parameter '{}'{}", what, name, suggestion(name, names)));
  }
  if (kind_of(value) != kind_of(params[name])) {
    refuse(fmt::format("{}: '{}' must be {}, found {}", what, name, kind_of(params[name]),
                       in_words(value)));
  }
  const auto* choice = choice_of(definition, name);
  if (choice == nullptr || std::ranges::find(choice->values, value) != choice->values.end()) {
    return;
  }
  std::vector<std::string> known;
  for (const auto& allowed : choice->values) {
    known.push_back(allowed.is_string() ? allowed.get<std::string>() : in_words(allowed));
  }
  refuse(fmt::format("{}: '{}' cannot be {}{}", what, name, in_words(value),
                     suggestion(value.is_string() ? value.get<std::string>() : "", known)));
}

void apply_options(Definition& definition, const LoadOptions& options) {
  auto& experiment = definition.experiment;
  if (options.variant) {
    if (*options.variant < 1 || *options.variant > experiment.variants.size()) {
      refuse(fmt::format("--variant {}: {} has {} variants, counted from 1", *options.variant,
                         experiment.name, experiment.variants.size()));
    }
    experiment.params.update(experiment.variants[*options.variant - 1]);
  }
  for (const auto& [name, text] : options.vars) {
    Json value =
        experiment.params.contains(name) ? parse(name, text, experiment.params[name]) : Json(text);
    check_param(definition, name, value, "--var");
    experiment.params[name] = std::move(value);
  }
}

}  // namespace faultline::script
