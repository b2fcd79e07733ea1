#pragma once

#include "orchestrator/load/http_answer.hpp"
#include "orchestrator/load/http_plan.hpp"
#include "orchestrator/load/socket.hpp"
#include "targets/clock.hpp"

#include <array>
#include <optional>

namespace faultline::load {

/// What the connections of one worker share.
struct HttpShared {
  const HttpPlan& plan;
  int epoll;
  bool stamped;                        ///< whether answers tell when they arrived
  std::array<char, 64 * 1024> buffer;  ///< what a read puts its bytes into
  std::size_t connecting = 0;          ///< connections that do not stand yet
};

/// One connection, and the request that is on it. It opens itself when it is asked to send.
class HttpConnection {
 public:
  enum class Progress { pending, answered, failed };

  explicit HttpConnection(HttpShared& shared) : shared_(shared) {}

  /// Begins a request, which outlives it. One at a time.
  Progress send(const HttpMessage& message, const Draw& draw);
  /// After an event of its socket. `ends`: the other side has closed, or the connection broke.
  Progress ready(bool ends);
  /// Gives the request up; the connection is closed.
  void give_up() { close(); }

  /// After `answered`; until the next `send`.
  [[nodiscard]] const HttpAnswer& answer() const { return *answer_; }
  /// When the last of the answer arrived, by the wall clock; 0: not known.
  [[nodiscard]] std::chrono::nanoseconds arrived_wall() const { return arrived_wall_; }
  /// Something of the request has left.
  [[nodiscard]] bool wrote() const { return written_ > 0; }
  /// After `failed`: the class.
  [[nodiscard]] const std::string& error() const { return error_; }
  /// What a deadline that passes now is called.
  [[nodiscard]] std::string late() const;

  /// The request it carries, for its owner.
  std::uint64_t number = 0;
  bool logging_in = false;

 private:
  enum class State { closed, connecting, writing, reading, idle };

  Progress step(bool ends);
  Progress connect();
  Progress write();
  Progress read(bool ends);
  Progress take(std::string_view bytes);
  Progress finish(bool in_order);
  Progress fail(std::string error);
  void begin_answer();
  void close();

  HttpShared& shared_;
  Socket socket_;
  State state_ = State::closed;
  std::string text_;
  std::size_t written_ = 0;
  const HttpMessage* message_ = nullptr;
  std::optional<HttpAnswer> answer_;
  std::chrono::nanoseconds arrived_wall_{};
  std::string error_;
};

}  // namespace faultline::load
