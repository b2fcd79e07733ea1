#include "targets/lab/supervisor_http.hpp"

#include <fmt/format.h>

#include <charconv>

namespace faultline::lab {
namespace {

using targets::Json;

/// The number right at the front of `text`, after spaces; 0 when there is none.
std::size_t number(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  std::size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

}  // namespace

std::optional<HttpAnswer> parse_http(std::string_view text) {
  constexpr std::string_view end_of_head = "\r\n\r\n";
  constexpr std::string_view length_field = "\r\ncontent-length:";
  const auto end = text.find(end_of_head);
  const auto space = text.find(' ');
  if (!text.starts_with("HTTP/1.") || end == std::string_view::npos || space > end) {
    return std::nullopt;
  }
  const auto head = lower(text.substr(0, end));
  const auto body = text.substr(end + end_of_head.size());
  const auto length = head.find(length_field);
  const auto bytes =
      length == std::string::npos ? 0 : number(head.substr(length + length_field.size()));
  if (body.size() < bytes) {
    return std::nullopt;
  }
  return HttpAnswer{static_cast<int>(number(text.substr(space))), std::string(body)};
}

Question http_question(const Server& server, std::string_view method, std::string_view target,
                       const std::string& body, Duration limit) {
  const auto content =
      body.empty()
          ? ""
          : fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  Question question{server.host, server.address, server.port, "", "", nullptr, limit};
  question.text = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{}\r\n{}", method,
                              target, server.address, content, body);
  question.whole = [](const std::string& text) { return parse_http(text).has_value(); };
  return question;
}

Question side_door_question(const std::string& path, const Json& request, Duration limit) {
  return {"",
          "",
          0,
          path,
          request.dump() + '\n',
          [](const std::string& text) { return text.ends_with('\n'); },
          limit};
}

Result<Json> side_door_answer(const Heard& heard) {
  if (!heard) {
    return Error{heard.error().why == Silence::timeout ? ErrorKind::timeout : ErrorKind::refused,
                 heard.error().words};
  }
  const auto answer = Json::parse(heard->text, nullptr, false);
  if (answer.is_object() && answer.contains("ok")) {
    return ok<Json>(answer["ok"]);
  }
  return Error{ErrorKind::refused, answer.is_object() && answer.contains("error")
                                       ? answer["error"].dump()
                                       : "answered what is not JSON: " + heard->text};
}

}  // namespace faultline::lab
