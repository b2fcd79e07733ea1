#pragma once

#include "targets/clock.hpp"
#include "targets/sql/conversation.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>

namespace faultline::sql {

/// A connection on an event loop, one query at a time. No callback is called from inside the call
/// that takes it.
class AsyncConnection : public std::enable_shared_from_this<AsyncConnection> {
 public:
  using Then = std::function<void(const Answer&)>;

  explicit AsyncConnection(boost::asio::io_context& io);
  ~AsyncConnection();
  AsyncConnection(const AsyncConnection&) = delete;
  AsyncConnection& operator=(const AsyncConnection&) = delete;

  /// Once. Logging in counts as connecting.
  void connect(const net::Endpoint& to, const Login& as, Instant deadline, Then then);
  /// Only when it stands and is free.
  void query(std::string statement, Instant deadline, Then then);
  /// Nothing is called afterwards. Idempotent; never waits.
  void close();
  [[nodiscard]] bool stands() const {
    return conversation_ && !dropped_ && conversation_->stands();
  }
  [[nodiscard]] bool free() const { return stands() && conversation_->wants() == 0 && !then_; }
  /// Called when it is ended from the other side while it is free.
  void on_dropped(std::function<void(const Failure&)> listener) {
    on_dropped_ = std::move(listener);
  }

 private:
  void begin(Instant deadline, Then then);
  void go_on();
  void wait_for(boost::asio::posix::descriptor_base::wait_type what,
                std::function<void()> happened);
  bool watch_socket();
  void finish();
  void look_whether_it_ended();

  boost::asio::io_context& io_;
  boost::asio::steady_timer timer_;
  std::optional<Conversation> conversation_;                     ///< until closed
  std::optional<boost::asio::posix::stream_descriptor> socket_;  ///< a duplicate of the library's
  Then then_;                                                    ///< until it has been called
  std::function<void(const Failure&)> on_dropped_;
  std::uint64_t waits_ = 0;  ///< events of an earlier wait are of no interest
  bool dropped_ = false;
};

}  // namespace faultline::sql
