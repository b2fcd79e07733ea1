#include "faults/fault.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace faultline::faults {
namespace {

Error wrong(const Kind& kind, const std::string& message) {
  return {ErrorKind::usage, fmt::format("{}: {}", kind.name, message)};
}

Error wrong_type(const Kind& kind, const Param& param, std::string_view expected,
                 const Json& found) {
  return wrong(kind, fmt::format("'{}' must be {}, found {}", param.name, expected,
                                 found.is_object() && found.contains("ms")
                                     ? fmt::format("a duration of {} ms", found["ms"].dump())
                                     : found.dump()));
}

/// The values of a label in the world, each once.
std::vector<std::string> labels_of(const World& world, const std::string& key) {
  std::set<std::string> values;
  for (const auto& component : world.components) {
    if (const auto label = component.labels.find(key); label != component.labels.end()) {
      values.insert(label->second);
    }
  }
  return {values.begin(), values.end()};
}

/// What a parameter's value is called in a message.
std::string noun_of(const Param& param) {
  switch (param.type) {
    case ParamType::zone:
      return "zone";
    case ParamType::cache:
      return "cache";
    case ParamType::database:
      return "database";
    case ParamType::dependency:
      return "dependency";
    case ParamType::instances:
      return "node of a service";
    default:
      return param.name;
  }
}

std::vector<std::string> choices_of(const Param& param, const World& world) {
  switch (param.type) {
    case ParamType::zone:
      return world.zones;
    case ParamType::cache:
      return labels_of(world, "cache");
    case ParamType::database:
      return labels_of(world, "database");
    case ParamType::dependency:
      return labels_of(world, "dependency");
    case ParamType::instances: {
      std::vector<std::string> nodes;
      for (const auto& component : world.components) {
        if (component.labels.contains("service")) {
          nodes.push_back(component.name);
        }
      }
      return nodes;
    }
    default:
      return param.choices;
  }
}

Result<Json> named(const Kind& kind, const Param& param, const Json& given, const World& world) {
  if (!given.is_string()) {
    return wrong_type(kind, param, "a name in quotes", given);
  }
  const auto name = given.get<std::string>();
  const auto choices = choices_of(param, world);
  if (std::ranges::find(choices, name) == choices.end()) {
    return wrong(
        kind, fmt::format("'{}' is no {} here{}", name, noun_of(param), suggestion(name, choices)));
  }
  return ok(given);
}

/// Always a list afterwards, without doubles.
Result<Json> instances(const Kind& kind, const Param& param, const Json& given,
                       const World& world) {
  const Json list = given.is_array() ? given : Json::array({given});
  if (list.empty()) {
    return wrong_type(kind, param, "at least one node", given);
  }
  std::set<std::string> names;
  for (const auto& name : list) {
    if (auto checked = named(kind, param, name, world); !checked) {
      return checked.error();
    }
    names.insert(name.get<std::string>());
  }
  return ok(Json(names));
}

Result<Json> number(const Kind& kind, const Param& param, const Json& given) {
  const bool duration = param.type == ParamType::duration;
  const std::string_view expected = duration                           ? "a duration such as 20*s"
                                    : param.type == ParamType::percent ? "a percentage such as 97"
                                                                       : "a whole number";
  const bool is_duration = given.is_object() && given.contains("ms");
  if (duration != is_duration || (!duration && !given.is_number())) {
    return wrong_type(kind, param, expected, given);
  }
  const double value = duration ? given["ms"].get<double>() : given.get<double>();
  if (!(value >= param.min && value <= param.max)) {
    const auto* unit = duration ? " ms" : param.type == ParamType::percent ? " %" : "";
    return wrong(kind, fmt::format("'{}' must be between {}{} and {}{}, found {}{}", param.name,
                                   param.min, unit, param.max, unit, value, unit));
  }
  if (param.type == ParamType::count && value != static_cast<double>(static_cast<long>(value))) {
    return wrong_type(kind, param, expected, given);
  }
  return ok(Json(value));
}

Result<Json> value_of(const Kind& kind, const Param& param, const Json& given, const World& world) {
  switch (param.type) {
    case ParamType::zone:
    case ParamType::cache:
    case ParamType::database:
    case ParamType::dependency:
    case ParamType::choice:
      return named(kind, param, given, world);
    case ParamType::duration:
    case ParamType::percent:
    case ParamType::count:
      return number(kind, param, given);
    case ParamType::instances:
      return instances(kind, param, given, world);
    case ParamType::text:
      break;
  }
  if (!given.is_string()) {
    return wrong_type(kind, param, "a text in quotes", given);
  }
  return ok(given);
}

}  // namespace

std::string_view to_string(Reversibility r) {
  switch (r) {
    case Reversibility::restorable:
      return "restorable";
    case Reversibility::compensable:
      return "compensable";
    case Reversibility::self_healing:
      return "self-healing";
    case Reversibility::irreversible:
      return "irreversible";
  }
  return "irreversible";
}

Result<Json> validate(const Kind& kind, const Json& given, const World& world) {
  std::vector<std::string> names;
  for (const auto& param : kind.params) {
    names.push_back(param.name);
  }
  for (const auto& [name, value] : given.items()) {
    if (std::ranges::find(names, name) == names.end()) {
      return wrong(kind, fmt::format("unknown parameter '{}'{}", name, suggestion(name, names)));
    }
  }
  Json complete = Json::object();
  for (const auto& param : kind.params) {
    if (!given.contains(param.name)) {
      if (param.fallback.is_null()) {
        return wrong(kind, fmt::format("'{}' is missing: {}", param.name, param.doc));
      }
      complete[param.name] = param.fallback;
      continue;
    }
    auto value = value_of(kind, param, given[param.name], world);
    if (!value) {
      return value.error();
    }
    complete[param.name] = *value;
  }
  return ok(std::move(complete));
}

}  // namespace faultline::faults
