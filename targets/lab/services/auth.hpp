#pragma once

#include "targets/lab/services/answer.hpp"
#include "targets/lab/services/store.hpp"
#include "targets/lab/services/write_hold.hpp"

namespace faultline::services {

/// The role `auth`: logins, whose sessions live in the store.
class Auth {
 public:
  /// `new_id` makes session ids that cannot be guessed.
  Auth(Store& store, WriteHold& hold, std::function<std::string()> new_id)
      : store_(store), hold_(hold), new_id_(std::move(new_id)) {}

  /// POST /login {"tenant", "user"} -> {"session"}, once the store has acknowledged the session.
  Answer login(std::string_view body, Instant deadline);
  /// GET /session/<id>?tenant= -> {"tenant", "user"}. Another tenant's session is not found.
  Answer session(const std::string& id, const std::string& tenant);

 private:
  Store& store_;
  WriteHold& hold_;
  std::function<std::string()> new_id_;
};

/// 128 random bits in hex.
std::string random_session_id();

}  // namespace faultline::services
