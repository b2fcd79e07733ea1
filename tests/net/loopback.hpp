#pragma once

#include "targets/net/endpoint.hpp"
#include "targets/net/fd.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

/// Addresses on loopback that behave in a known way.
namespace faultline::net {

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

inline Fd loopback_socket() {
  return Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

/// A listener on a free port. Whoever connects stands in its queue, and it never says a word.
class Listener {
 public:
  explicit Listener(int backlog = 4096) {
    auto address = loopback(0);
    void* raw = &address;
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_.get(), static_cast<sockaddr*>(raw), size), 0);
    EXPECT_EQ(::listen(fd_.get(), backlog), 0);
    ::getsockname(fd_.get(), static_cast<sockaddr*>(raw), &size);
    at_ = {"127.0.0.1", ntohs(address.sin_port)};
  }
  [[nodiscard]] const Endpoint& at() const { return at_; }
  [[nodiscard]] std::string name() const { return to_string(at_); }
  /// The next connection, and who it is when asked; none when nobody comes within 2 s.
  [[nodiscard]] Fd accept(sockaddr_in* peer = nullptr) const {
    pollfd someone{fd_.get(), POLLIN, 0};
    if (::poll(&someone, 1, 2'000) != 1) {
      return {};
    }
    void* raw = peer;
    socklen_t size = sizeof(sockaddr_in);
    return Fd(::accept(fd_.get(), static_cast<sockaddr*>(raw), peer == nullptr ? nullptr : &size));
  }

 private:
  Fd fd_ = loopback_socket();
  Endpoint at_;
};

/// A port on which nobody listens.
inline Endpoint free_port() {
  return Listener().at();
}

/// A listener whose queue is full: a SYN to it gets no answer.
class DeafListener {
 public:
  DeafListener() {
    const auto address = loopback(listener_.at().port);
    const void* raw = &address;
    EXPECT_EQ(::connect(queued_.get(), static_cast<const sockaddr*>(raw), sizeof address), 0);
  }
  [[nodiscard]] const Endpoint& at() const { return listener_.at(); }

 private:
  Listener listener_{0};  ///< the kernel takes one connection
  Fd queued_ = loopback_socket();
};

}  // namespace faultline::net
