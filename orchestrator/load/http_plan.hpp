#pragma once

#include "orchestrator/load/expectation.hpp"
#include "orchestrator/load/place.hpp"
#include "orchestrator/load/spec.hpp"
#include "orchestrator/load/template.hpp"
#include "orchestrator/load/tls.hpp"

#include <optional>
#include <string>
#include <vector>

/// What the kind http sends, from its args, which worker.hpp describes.
namespace faultline::load {

/// It would end a line of a head, or worse, if it were put there.
bool has_control(std::string_view text);

/// One request of a mix.
struct HttpMessage {
  std::string name;
  double weight = 1;
  bool head = false;
  std::string method;
  Template path, body;
  std::vector<std::pair<std::string, Template>> headers;
  AnswerExpectation expectation;
  std::string fixed;  ///< the whole message, when nothing in it is filled in

  /// Appends the message to `out`.
  void render(const std::string& host, const Draw& draw, std::string& out) const;
};

/// Users who log in once and carry what they were given.
struct HttpSessions {
  std::size_t count = 0;
  HttpMessage login;
  Json::json_pointer token;  ///< where in the answer it is
};

struct HttpPlan {
  Endpoint to;
  std::string host;  ///< as in the header
  std::optional<TlsClient> tls;
  std::size_t connections = 0;  ///< at most at once
  bool keep_alive = true;
  std::vector<HttpMessage> messages;
  std::optional<HttpSessions> sessions;
  Rows rows;

  /// By weight.
  [[nodiscard]] const HttpMessage& choose(std::mt19937_64& random) const;
};

/// Errors: `usage`, `refused`.
Result<HttpPlan> parse_http(const Spec& spec);

}  // namespace faultline::load
