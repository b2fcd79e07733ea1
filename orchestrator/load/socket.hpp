#pragma once

#include "orchestrator/load/place.hpp"
#include "orchestrator/load/tls.hpp"
#include "targets/net/fd.hpp"

#include <chrono>
#include <span>
#include <string>
#include <string_view>

namespace faultline::load {

/// A TCP connection that never blocks, with TLS on top where wanted. It is watched by an epoll
/// instance, edge-triggered: whoever is told of an event goes on until `again`.
class Socket {
 public:
  enum class Step { done, again, ended, failed };
  struct Moved {
    Step step = Step::failed;
    std::size_t bytes = 0;  ///< when done
    /// Of a read: when the last of them reached this machine, by its wall clock; 0: not known.
    std::chrono::nanoseconds arrived_wall{};
  };

  /// Begins to connect; events of it carry `watcher`. False, with `error`: it could not even begin.
  bool open(int epoll, const Endpoint& to, const TlsClient* tls, void* watcher);
  void close();
  [[nodiscard]] bool is_open() const { return static_cast<bool>(fd_); }

  /// After an event: whether it stands, the handshake included.
  Step connect();
  /// From now on reads tell when bytes arrived; of a connection without TLS.
  void stamp();
  Moved write(std::string_view bytes);
  /// `ended`: the other side has closed in order.
  Moved read(std::span<char> buffer);
  /// The class of the last failure.
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  Moved failed(int system_error, bool connecting = false);
  Moved tls_result(int result);
  ssize_t receive(std::span<char> buffer, std::chrono::nanoseconds& arrived_wall) const;

  net::Fd fd_;
  const TlsClient* tls_ = nullptr;
  TlsClient::Session session_;  // after the descriptor: it is shut down first
  bool connected_ = false, stamped_ = false;
  std::string error_;
};

}  // namespace faultline::load
