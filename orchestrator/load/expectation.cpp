#include "orchestrator/load/expectation.hpp"

#include "orchestrator/load/http_answer.hpp"

#include <fmt/format.h>

namespace faultline::load {
namespace {

/// A page is smaller; a body without end must not fill the memory.
constexpr double default_max_bytes = 1u << 20;
constexpr double largest_max_bytes = 1u << 30;  // only counted, unless its fields are looked at
constexpr std::size_t max_fields = 32;

}  // namespace

Result<Json::json_pointer> json_path(const std::string& name) {
  if (name.empty() || name.front() == '.' || name.back() == '.' || name.find("..") != name.npos) {
    return Error{
        ErrorKind::usage,
        fmt::format("expected a field such as order.state or items.0.id, found '{}'", name)};
  }
  Json::json_pointer path;
  std::size_t from = 0;
  while (from <= name.size()) {
    const auto dot = std::min(name.find('.', from), name.size());
    path.push_back(name.substr(from, dot - from));
    from = dot + 1;
  }
  return path;
}

std::string text_at(const std::string& json, const Json::json_pointer& path) {
  const auto parsed = Json::parse(json, nullptr, false);
  if (parsed.is_discarded() || !parsed.contains(path)) {
    return "";
  }
  const auto& found = parsed.at(path);
  return found.is_string() ? found.get<std::string>() : found.is_number() ? found.dump() : "";
}

AnswerExpectation::AnswerExpectation(Fields fields) {
  status_ = static_cast<unsigned>(fields.number("status", 100, 599, 200));
  min_bytes_ = static_cast<std::uint64_t>(fields.number("min_bytes", 0, largest_max_bytes, 0));
  max_bytes_ = static_cast<std::uint64_t>(
      fields.number("max_bytes", 0, largest_max_bytes, default_max_bytes));
  read_json(fields);
  if (min_bytes_ > max_bytes_) {
    fields.wrong(fmt::format("'min_bytes' must be at most 'max_bytes', found {} and {}", min_bytes_,
                             max_bytes_));
  }
  if (reads_body() && static_cast<double>(max_bytes_) > default_max_bytes) {
    fields.wrong(
        fmt::format("'max_bytes' must be at most {} where 'json' is looked at", default_max_bytes));
  }
  checked_ = fields.done();
}

void AnswerExpectation::read_json(Fields& fields) {
  const auto wanted = fields.object("json");
  for (const auto& [name, value] : wanted.items()) {
    auto path = json_path(name);
    if (!path || value.is_structured() || json_.size() == max_fields) {
      fields.wrong(!path ? "'json': " + path.error().message
                         : fmt::format("'json': expected at most {} fields with plain values, "
                                       "found {} for '{}'",
                                       max_fields, value.dump(), name));
      return;
    }
    json_.push_back({name, std::move(*path), value});
  }
}

std::string AnswerExpectation::wrong_in(const HttpAnswer& answer) const {
  if (answer.body_bytes() < min_bytes_) {
    return "unexpected size";
  }
  if (json_.empty()) {
    return "";
  }
  const auto body = Json::parse(answer.body(), nullptr, false);
  if (body.is_discarded()) {
    return "not json";
  }
  for (const auto& field : json_) {
    if (!body.contains(field.path) || body.at(field.path) != field.value) {
      return "unexpected " + field.name;
    }
  }
  return "";
}

}  // namespace faultline::load
