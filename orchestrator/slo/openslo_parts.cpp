#include "orchestrator/slo/openslo_parts.hpp"

#include "targets/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace faultline::slo {
namespace {

constexpr std::size_t max_description = 1050;            // characters; the specification's
constexpr std::size_t max_name_bytes = 255;              // the specification's
constexpr auto longest = std::chrono::hours(24 * 3660);  // ten years: nobody has older samples

std::optional<double> to_number(const Yaml& value) {
  double number = 0;
  const auto* end = value.text.data() + value.text.size();
  const auto [read, error] = std::from_chars(value.text.data(), end, number);
  const bool whole = error == std::errc() && read == end && std::isfinite(number);
  return whole && !value.quoted ? std::optional(number) : std::nullopt;
}

std::optional<Duration> unit_of(char postfix) {
  switch (postfix) {
    case 'm':
      return std::chrono::minutes(1);
    case 'h':
      return std::chrono::hours(1);
    case 'd':
      return std::chrono::hours(24);
    case 'w':
      return std::chrono::hours(24 * 7);
    default:
      return std::nullopt;
  }
}

bool is_name(std::string_view name) {
  return name.size() <= max_name_bytes && std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("-._|/\\").find(c) != std::string_view::npos;
         });
}

}  // namespace

void refuse_at(const std::string& file, int line, const std::string& what) {
  throw Failure({ErrorKind::usage, fmt::format("{}:{}: {}", file, line, what)});
}

Mapping::Mapping(Named named, const std::string& file, const Shape& shape)
    : value_(named.value), name_(std::move(named.name)), file_(&file) {
  if (value_->kind != Yaml::Kind::map) {
    refuse("", fmt::format("expected a map with {}, found {}", fmt::join(shape.fields, ", "),
                           found(*value_)));
  }
  for (const auto& key : value_->keys) {
    const auto refused = std::ranges::find(shape.refused, key.name, &Unsupported::field);
    if (refused != shape.refused.end()) {
      refuse_at(file, key.line, fmt::format("{}: {}", name_of(key.name), refused->reason));
    }
    if (std::ranges::find(shape.fields, key.name) == shape.fields.end()) {
      refuse_at(file, key.line,
                fmt::format("{}: {} is not a field of {}{}", name_, in_quotes(key.name), shape.name,
                            suggestion(key.name, shape.fields)));
    }
  }
}

std::string Mapping::name_of(std::string_view field) const {
  return field.empty() ? name_ : fmt::format("{}.{}", name_, field);
}

void Mapping::refuse(std::string_view field, const std::string& what) const {
  const auto key = std::ranges::find(value_->keys, field, &Yaml::Key::name);
  refuse_at(*file_, key == value_->keys.end() ? value_->line : key->line,
            fmt::format("{}: {}", name_of(field), what));
}

const Yaml* Mapping::find(std::string_view field) const {
  const auto key = std::ranges::find(value_->keys, field, &Yaml::Key::name);
  if (key == value_->keys.end()) {
    return nullptr;
  }
  const auto& value = value_->items[static_cast<std::size_t>(key - value_->keys.begin())];
  return value.kind == Yaml::Kind::nothing ? nullptr : &value;
}

Named Mapping::required(std::string_view field, std::string_view example) const {
  const auto* value = find(field);
  if (value == nullptr) {
    refuse(field, fmt::format("expected {}, found nothing", example));
  }
  return {value, name_of(field)};
}

Mapping Mapping::map(std::string_view field, const Shape& shape) const {
  const auto example = fmt::format("a map with {}", fmt::join(shape.fields, ", "));
  return {required(field, example), *file_, shape};
}

std::vector<Named> Mapping::list(std::string_view field) const {
  const auto* value = find(field);
  if (value == nullptr) {
    return {};
  }
  if (value->kind != Yaml::Kind::list) {
    refuse(field,
           fmt::format("expected a list, found {}; begin each item with '- '", found(*value)));
  }
  if (value->items.size() > max_items) {
    refuse(field,
           fmt::format("at most {} items are read, found {}", max_items, value->items.size()));
  }
  std::vector<Named> items;
  for (const auto& item : value->items) {
    items.push_back({&item, fmt::format("{}[{}]", name_of(field), items.size())});
  }
  return items;
}

const Yaml* Mapping::scalar(std::string_view field, std::string_view expected) const {
  const auto* value = find(field);
  if (value != nullptr && value->kind != Yaml::Kind::scalar) {
    refuse(field, fmt::format("expected {}, found {}", expected, found(*value)));
  }
  return value;
}

std::string Mapping::text(std::string_view field) const {
  const auto* value = scalar(field, "a text");
  return value == nullptr ? "" : value->text;
}

std::string Mapping::text(std::string_view field, std::string_view example) const {
  static_cast<void>(required(field, example));
  auto value = text(field);
  if (value.empty()) {
    refuse(field, fmt::format("expected {}, found an empty text", example));
  }
  return value;
}

std::string Mapping::description() const {
  auto value = text("description");
  const auto characters = static_cast<std::size_t>(
      std::ranges::count_if(value, [](char c) { return (c & 0xC0) != 0x80; }));
  if (characters > max_description) {
    refuse("description",
           fmt::format("expected at most {} characters, found {}", max_description, characters));
  }
  return value;
}

bool Mapping::flag(std::string_view field, bool fallback) const {
  const auto* value = scalar(field, "true or false");
  if (value == nullptr) {
    return fallback;
  }
  const auto is = [value](std::initializer_list<std::string_view> words) {
    return !value->quoted && std::ranges::find(words, value->text) != words.end();
  };
  if (!is({"true", "True", "TRUE", "false", "False", "FALSE"})) {
    refuse(field, fmt::format("expected true or false, found {}", found(*value)));
  }
  return is({"true", "True", "TRUE"});
}

std::optional<double> Mapping::number(std::string_view field) const {
  const auto* value = scalar(field, "a number");
  if (value == nullptr) {
    return std::nullopt;
  }
  const auto number = to_number(*value);
  if (!number) {
    refuse(field, fmt::format("expected a number, found {}", found(*value)));
  }
  return number;
}

double Mapping::number(std::string_view field, std::string_view example) const {
  static_cast<void>(required(field, example));
  return number(field).value_or(0);
}

Duration Mapping::duration(std::string_view field, std::uint64_t lowest) const {
  constexpr std::string_view expected = "a duration such as 5m, 12h, 28d or 4w";
  const auto value = text(field, expected);
  const char postfix = value.back();
  if (postfix == 'M' || postfix == 'Q' || postfix == 'Y') {
    refuse(field, fmt::format("months, quarters and years have no fixed length and are not "
                              "supported, found {}; write {}",
                              in_quotes(value), expected));
  }
  std::uint64_t number = 0;
  const auto* end = value.data() + value.size() - 1;
  const auto [read, error] = std::from_chars(value.data(), end, number);
  const auto unit = unit_of(postfix);
  if (!unit || error != std::errc() || read != end || number < lowest) {
    refuse(field, fmt::format("expected {}, found {}", expected, in_quotes(value)));
  }
  if (number > static_cast<std::uint64_t>(longest / *unit)) {
    refuse(field, fmt::format("expected at most ten years, found {}", in_quotes(value)));
  }
  return *unit * static_cast<std::int64_t>(number);
}

std::string Mapping::choice(std::string_view field, const std::vector<std::string>& known) const {
  const auto expected =
      fmt::format("{}{}", known.size() == 1 ? "" : "one of ", fmt::join(known, ", "));
  auto value = text(field, expected);
  if (std::ranges::find(known, value) == known.end()) {
    const auto near = nearest(value, known);
    refuse(field, fmt::format("expected {}, found {}{}", expected, in_quotes(value),
                              near ? fmt::format("; did you mean '{}'?", *near) : ""));
  }
  return value;
}

void Objects::add(const std::string& kind, Object object) {
  const auto line = object.line;
  const auto [place, added] = by_kind_[kind].try_emplace(object.name, std::move(object));
  if (!added) {
    refuse_at(file_, line,
              fmt::format("{} '{}' stands here for the second time; the first is in line {}", kind,
                          place->first, place->second.line));
  }
}

const Object& Objects::get(const std::string& kind, const Mapping& by,
                           std::string_view field) const {
  const auto name = by.text(field, fmt::format("the name of an object of kind {}", kind));
  const auto objects = by_kind_.find(kind);
  std::vector<std::string> names;
  if (objects != by_kind_.end()) {
    const auto object = objects->second.find(name);
    if (object != objects->second.end()) {
      return object->second;
    }
    for (const auto& [known, unused] : objects->second) {
      names.push_back(known);
    }
  }
  by.refuse(field, fmt::format("expected the name of an object of kind {} in this file, found {}{}",
                               kind, in_quotes(name), suggestion(name, names)));
}

Mapping Objects::spec(const Object& object, std::string_view shape_name) const {
  return {object.spec, file_, shape(shape_name)};
}

Object read_metadata(const Mapping& metadata, const std::string& kind) {
  Object object;
  object.name = metadata.text("name", "a name such as checkout-availability");
  if (!is_name(object.name)) {
    metadata.refuse("name", fmt::format("expected at most {} letters, digits, '-', '.', '_', '|', "
                                        "'/' and '\\', found {}",
                                        max_name_bytes, in_quotes(object.name)));
  }
  object.title = metadata.text("displayName");
  object.line = metadata.line();
  object.spec.name = fmt::format("{} '{}': spec", kind, object.name);
  return object;
}

Comparison read_comparison(const Mapping& mapping, const std::vector<std::string>& allowed) {
  const auto op = mapping.choice("op", allowed);
  return op == "lt"    ? Comparison::below
         : op == "lte" ? Comparison::at_most
         : op == "gt"  ? Comparison::above
                       : Comparison::at_least;
}

Object read_reference(const Objects& objects, const Named& item, const std::string& kind,
                      std::string_view reference) {
  const auto& fields = item.value->keys;
  if (std::ranges::find(fields, reference, &Yaml::Key::name) != fields.end()) {
    const Mapping by(item, objects.file(), shape(kind + " reference"));
    return objects.get(kind, by, reference);
  }
  const Mapping inline_object(item, objects.file(), shape("inline object"));
  static_cast<void>(inline_object.choice("kind", {kind}));
  auto object = read_metadata(inline_object.map("metadata", shape("metadata")), kind);
  object.spec = inline_object.required("spec", fmt::format("the {}'s spec", kind));
  return object;
}

}  // namespace faultline::slo
