#include "orchestrator/load/status_classes.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace faultline::load {
namespace {

/// A line of a table; whatever is longer is not a class but a story.
constexpr std::size_t max_explanation_chars = 80;
/// The classes are listed in the record and on a page.
constexpr std::size_t max_explained = 32;
/// An explanation is one line; a page of 1 MiB is not parsed for each failed request.
constexpr std::size_t max_body_bytes = 4096;
constexpr unsigned first_error_status = 400;

/// The bytes of a character beyond ASCII become one '?'.
std::string printable(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (out.size() == max_explanation_chars) {
      break;
    }
    if ((byte & 0xc0u) != 0x80u) {
      out += byte >= 0x20 && byte < 0x7f ? c : '?';
    }
  }
  return out;
}

std::string explanation(const std::string& body) {
  if (body.empty() || body.front() != '{' || body.size() > max_body_bytes) {
    return "";
  }
  const auto json = nlohmann::json::parse(body, nullptr, false);
  const auto error = json.is_object() ? json.find("error") : json.end();
  return error != json.end() && error->is_string() ? printable(error->get<std::string>()) : "";
}

}  // namespace

std::string StatusClasses::name(unsigned status, const std::string& body) {
  const auto plain = fmt::format("status {}", status);
  const auto why = status >= first_error_status ? explanation(body) : "";
  if (why.empty()) {
    return plain;
  }
  auto full = plain + ": " + why;
  if (explained_.size() >= max_explained && !explained_.contains(full)) {
    return plain;
  }
  return *explained_.insert(std::move(full)).first;
}

}  // namespace faultline::load
