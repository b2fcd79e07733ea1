#pragma once

#include "targets/lab/services/event_http.hpp"

#include <nlohmann/json_fwd.hpp>

#include <span>

namespace faultline::services {

/// The cloud's metadata service, as far as a reclaim of spot nodes needs it (Alibaba Cloud ECS):
/// GET /latest/meta-data/instance/spot/termination-time answers by the caller's address: 404 until
/// the instance is to be reclaimed, then the time in UTC. A token from PUT /latest/api/token is
/// checked when it is given, as ECS does unless told to insist on one. Not thread-safe.
class Metadata {
 public:
  /// Names by address. `new_token` makes tokens that cannot be guessed.
  Metadata(std::map<std::string, std::string> instances, std::function<Instant()> now,
           std::function<std::string()> new_token)
      : instances_(std::move(instances)), now_(std::move(now)), new_token_(std::move(new_token)) {}

  Reaction handle(const HttpRequest& request);
  /// The control socket's { "announce" }, { "withdraw" } and { "show" }. Throws Failure `usage`.
  nlohmann::json control(const nlohmann::json& request);

 private:
  struct Announcement {
    std::string instance;
    std::string at;
  };
  Reaction token(const HttpRequest& request);
  [[nodiscard]] bool token_is_wrong(const HttpRequest& request) const;
  [[nodiscard]] Reaction termination_time(const std::string& from) const;
  void announce(const nlohmann::json& request);

  const std::map<std::string, std::string> instances_;
  std::function<Instant()> now_;
  std::function<std::string()> new_token_;
  std::map<std::string, Announcement> announced_;  ///< by the id of who announced it
  std::map<std::string, Instant> tokens_;          ///< when each ends
};

/// "a-spot=10.0.1.11,b-spot=10.0.2.11" as names by address. Error `usage`.
Result<std::map<std::string, std::string>> parse_instances(std::string_view text);

/// `faultline-saas metadata --listen 100.100.100.200:80 --instances a-spot=10.0.1.11,... --control`
int metadata_main(std::span<const std::string> args);

}  // namespace faultline::services
