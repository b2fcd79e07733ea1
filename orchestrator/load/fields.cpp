#include "orchestrator/load/fields.hpp"

#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faultline::load {

Fields::Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
  if (!object_.is_object()) {
    wrong(fmt::format("expected an object, found {}", object_.type_name()));
    object_ = Json::object();
  }
}

void Fields::wrong(const std::string& what) {
  if (problem_.empty()) {
    problem_ = where_ + ": " + what;
  }
}

const Json* Fields::find(const char* name, bool required) {
  known_.emplace_back(name);
  const auto it = object_.find(name);
  if (it != object_.end()) {
    return &*it;
  }
  if (required) {
    wrong(fmt::format("'{}' is missing", name));
  }
  return nullptr;
}

std::string Fields::text(const char* name, std::optional<std::string> fallback) {
  const auto* value = find(name, !fallback);
  if (value == nullptr) {
    return fallback.value_or("");
  }
  if (!value->is_string()) {
    wrong(fmt::format("'{}' must be a text, found {}", name, value->dump()));
    return "";
  }
  return value->get<std::string>();
}

double Fields::number(const char* name, double min, double max, std::optional<double> fallback) {
  const auto* value = find(name, !fallback);
  if (value == nullptr) {
    return fallback.value_or(min);
  }
  if (!value->is_number() || !(value->get<double>() >= min && value->get<double>() <= max)) {
    wrong(fmt::format("'{}' must be a number from {} to {}, found {}", name, min, max,
                      value->dump()));
    return min;
  }
  return value->get<double>();
}

std::uint64_t Fields::whole(const char* name, std::uint64_t fallback) {
  const auto* value = find(name, false);
  if (value == nullptr) {
    return fallback;
  }
  if (!value->is_number_unsigned()) {
    wrong(fmt::format("'{}' must be a whole number from 0, found {}", name, value->dump()));
    return fallback;
  }
  return value->get<std::uint64_t>();
}

bool Fields::flag(const char* name, bool fallback) {
  const auto* value = find(name, false);
  if (value != nullptr && !value->is_boolean()) {
    wrong(fmt::format("'{}' must be true or false, found {}", name, value->dump()));
    return fallback;
  }
  return value == nullptr ? fallback : value->get<bool>();
}

std::vector<std::string> Fields::texts(const char* name) {
  const auto* value = find(name, true);
  const auto is_text = [](const Json& item) { return item.is_string(); };
  if (value == nullptr || !value->is_array() || !std::ranges::all_of(*value, is_text)) {
    wrong(fmt::format("'{}' must be a list of texts", name));
    return {};
  }
  return value->get<std::vector<std::string>>();
}

std::vector<Json> Fields::objects(const char* name, std::size_t max) {
  const auto* value = find(name, false);
  if (value == nullptr) {
    return {};
  }
  if (!value->is_array() || value->size() > max) {
    wrong(fmt::format("'{}' must be a list of at most {}", name, max));
    return {};
  }
  return value->get<std::vector<Json>>();
}

std::vector<std::vector<std::string>> Fields::lists(const char* name, std::size_t max) {
  std::vector<std::vector<std::string>> found;
  for (const auto& item : objects(name, max)) {
    const auto is_text = [](const Json& entry) { return entry.is_string(); };
    if (!item.is_array() || !std::ranges::all_of(item, is_text)) {
      wrong(fmt::format("'{}' must be a list of lists of texts, found {}", name, item.dump()));
      return {};
    }
    found.push_back(item.get<std::vector<std::string>>());
  }
  return found;
}

std::vector<std::pair<std::string, std::string>> Fields::pairs(const char* name) {
  std::vector<std::pair<std::string, std::string>> found;
  const auto given = object(name);
  for (const auto& [key, value] : given.items()) {
    if (!value.is_string()) {
      wrong(fmt::format("'{}' in '{}' must be a text, found {}", key, name, value.dump()));
      return {};
    }
    found.emplace_back(key, value.get<std::string>());
  }
  return found;
}

Json Fields::object(const char* name) {
  const auto* value = find(name, false);
  if (value == nullptr || (value->is_array() && value->empty())) {
    return Json::object();  // an empty Lua table is an empty list
  }
  if (!value->is_object()) {
    wrong(fmt::format("'{}' must be an object, found {}", name, value->dump()));
    return Json::object();
  }
  return *value;
}

Result<> Fields::done() const {
  if (!problem_.empty()) {
    return Error{ErrorKind::usage, problem_};
  }
  for (const auto& [name, value] : object_.items()) {
    if (std::ranges::find(known_, name) == known_.end()) {
      return Error{ErrorKind::usage,
                   fmt::format("{}: unknown field '{}'{}", where_, name, suggestion(name, known_))};
    }
  }
  return {};
}

}  // namespace faultline::load
