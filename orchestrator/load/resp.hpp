#pragma once

#include "orchestrator/load/place.hpp"
#include "targets/clock.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <hiredis/read.h>

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct redisReply;

/// A Redis client: an Asio socket around hiredis' protocol reader.
namespace faultline::load {

using Words = std::vector<std::string>;

/// An answer, or in `failure` why there is none: "timeout", "reset", "closed early", ...
struct Reply {
  const redisReply* answer = nullptr;  ///< valid during the call
  std::string failure;
};

/// One connection. Commands are pipelined and answered in order; when one is not answered by its
/// deadline the connection is closed, as a client's would be, and fails all that are in flight.
class RespConnection : public std::enable_shared_from_this<RespConnection> {
 public:
  using OnReply = std::function<void(const Reply& reply)>;

  explicit RespConnection(boost::asio::io_context& io);
  ~RespConnection();
  RespConnection(const RespConnection&) = delete;
  RespConnection& operator=(const RespConnection&) = delete;

  /// Once. Calls `on_connected` once, with the class of the error or "", not from inside this call.
  void connect(const Endpoint& to, Instant deadline,
               std::function<void(const std::string& error)> on_connected);
  /// Calls `on_reply` once; on a closed connection at once, with the reason.
  void send(const Words& command, Instant deadline, OnReply on_reply);
  /// Fails everything in flight with `why`. Idempotent.
  void close(const std::string& why);
  [[nodiscard]] bool open() const { return open_; }
  /// Called when it closes, however that comes, after what was in flight has failed.
  void on_close(std::function<void(const std::string& why)> listener) {
    on_close_ = std::move(listener);
  }

 private:
  struct Pending {
    Instant deadline;
    OnReply on_reply;
  };
  void read();
  void take_replies();
  void write();
  void watch_deadline();

  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<redisReader, decltype(&redisReaderFree)> reader_;
  std::array<char, 16 * 1024> input_{};
  std::string writing_, waiting_;
  std::deque<Pending> pending_;
  std::function<void(const std::string&)> on_close_;
  std::string why_closed_;
  bool connecting_ = true, open_ = false, busy_ = false, watching_ = false;
};

/// One command on a connection of its own, which is closed after the answer. Connecting and
/// answering share the deadline. `on_reply` is called once, not from inside this call.
void ask_once(boost::asio::io_context& io, const Endpoint& to, Words command, Instant deadline,
              RespConnection::OnReply on_reply);

/// "" for +OK; otherwise the class of the failure: an error's first word in lower case ("readonly",
/// "noreplicas", "loading"), or "unexpected answer".
std::string refusal(const redisReply& answer);

}  // namespace faultline::load
