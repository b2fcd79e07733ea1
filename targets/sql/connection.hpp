#pragma once

#include "targets/clock.hpp"
#include "targets/sql/conversation.hpp"

namespace faultline::sql {

/// A connection for one thread at a time: every call returns by its deadline, whatever happens to
/// the server or the network.
class Connection {
 public:
  /// Logs in, or has failed to: see `failure()`.
  Connection(const net::Endpoint& to, const Login& as, Instant deadline);

  /// Why it does not stand.
  [[nodiscard]] const Failure& failure() const { return failure_; }
  /// False after a failure that leaves open what the other side does: it is then of no more use,
  /// and a statement that was late may go on in the server.
  [[nodiscard]] bool stands() const { return conversation_->stands(); }
  /// One statement. Where it does not stand, nothing is asked and `failure()` is the answer.
  Answer query(std::string statement, Instant deadline);

 private:
  Answer finish(Instant deadline);

  std::unique_ptr<Conversation> conversation_;  ///< the library knows its address
  Failure failure_;
};

}  // namespace faultline::sql
