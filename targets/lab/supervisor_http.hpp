#pragma once

#include "targets/lab/supervisor_ask.hpp"

#include <optional>
#include <string>
#include <string_view>

/// Questions in HTTP and in the lines of side doors, and their answers as values.
namespace faultline::lab {

struct HttpAnswer {
  int status = 0;
  std::string body;
};

/// The answer, when it is whole: its head and as much body as the head says.
std::optional<HttpAnswer> parse_http(std::string_view text);

struct Server {
  std::string host;  ///< asked from there
  std::string address;
  std::uint16_t port = 0;
};
/// One request on a connection of its own, with a JSON body unless it is empty.
Question http_question(const Server& server, std::string_view method, std::string_view target,
                       const std::string& body, Duration limit);

/// One line at a side door (targets/net/line_server.hpp).
Question side_door_question(const std::string& path, const targets::Json& request, Duration limit);
/// What the side door answered; error `refused` in its own words.
Result<targets::Json> side_door_answer(const Heard& heard);

}  // namespace faultline::lab
