#include "targets/lab/services/auth.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <stdexcept>
#include <sys/random.h>

namespace faultline::services {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::seconds session_lifetime{3600};
constexpr Duration read_timeout = std::chrono::milliseconds(300);  ///< as for one attempt to write

std::string name_in(const Json& object, const char* field) {
  const auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Answer unavailable(const Reply& reply) {
  return failed(503, fmt::format("sessions are not available: {} ({})", to_string(reply.error),
                                 reply.detail));
}

}  // namespace

Answer Auth::login(std::string_view body, Instant deadline) {
  const Json request = Json::parse(body, nullptr, false);
  if (!request.is_object()) {
    return failed(400, R"(expected a JSON object {"tenant", "user"})");
  }
  const std::string tenant = name_in(request, "tenant");
  const std::string user = name_in(request, "user");
  if (!is_name(tenant) || !is_name(user)) {
    return failed(400, "tenant and user are required: letters, digits, '-', '_', '.', at most 64");
  }
  const std::string id = new_id_();
  const std::string session = Json{{"tenant", tenant}, {"user", user}}.dump();
  // One id for all attempts: an attempt that timed out and was done anyway is done again in place.
  Reply reply;
  const bool let_in = hold_.run(deadline, [&](Duration timeout) {
    reply = store_.set("session:" + id, session, session_lifetime, timeout);
    return reply.ok()            ? WriteHold::Attempt::done
           : passes(reply.error) ? WriteHold::Attempt::may_pass
                                 : WriteHold::Attempt::in_vain;
  });
  if (!let_in) {
    reply.detail = "too many writes are waiting already; " + reply.detail;
  }
  return reply.ok() ? Answer{200, Json{{"session", id}}.dump()} : unavailable(reply);
}

Answer Auth::session(const std::string& id, const std::string& tenant) {
  if (!is_name(id) || !is_name(tenant)) {
    return failed(400, "expected /session/<id>?tenant=<tenant>");
  }
  const Reply reply = store_.get("session:" + id, read_timeout);
  if (!reply.ok()) {
    return unavailable(reply);
  }
  const Json session = reply.values.empty() ? Json() : Json::parse(reply.values[0], nullptr, false);
  if (!session.is_object() || name_in(session, "tenant") != tenant) {
    return failed(404, "no such session");
  }
  return {200, session.dump()};
}

std::string random_session_id() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw std::runtime_error("getrandom gave fewer than 16 bytes");
  }
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

}  // namespace faultline::services
