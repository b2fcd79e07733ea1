#pragma once

#include "tests/wire/two_hosts.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <vector>

/// What is sent between the two hosts, and how long it takes.
namespace faultline::wire {

using SteadyClock = std::chrono::steady_clock;

inline double us_since(SteadyClock::time_point start) {
  return std::chrono::duration<double, std::micro>(SteadyClock::now() - start).count();
}

inline sockaddr_in address_of(const char* address, std::uint16_t port) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  ::inet_pton(AF_INET, address, &in.sin_addr);
  return in;
}

inline bool bind_to(int fd, const sockaddr_in& address) {
  const void* raw = &address;
  return ::bind(fd, static_cast<const sockaddr*>(raw), sizeof address) == 0;
}

inline bool connect_to(int fd, const sockaddr_in& address) {
  const void* raw = &address;
  return ::connect(fd, static_cast<const sockaddr*>(raw), sizeof address) == 0;
}

/// A UDP socket in each host, connected to the other.
struct Datagrams {
  explicit Datagrams(TwoHosts& hosts) {
    const auto at_a = address_of("10.0.1.1", 7), at_b = address_of("10.0.1.2", 7);
    hosts.in(TwoHosts::a, [&] { a.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)); });
    hosts.in(TwoHosts::b, [&] { b.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)); });
    TwoHosts::check(bind_to(a.get(), at_a) && bind_to(b.get(), at_b), "bind");
    TwoHosts::check(connect_to(a.get(), at_b) && connect_to(b.get(), at_a), "connect");
  }
  /// Waits for one; false after two seconds.
  static bool take(int fd) {
    pollfd wait{fd, POLLIN, 0};
    std::array<char, 2048> text{};
    return ::poll(&wait, 1, 2000) == 1 && ::recv(fd, text.data(), text.size(), 0) > 0;
  }
  /// A round trip in microseconds; nothing when an answer was lost.
  std::optional<double> round_trip() const {
    const auto start = SteadyClock::now();
    if (::send(a.get(), "ask", 3, 0) != 3 || !take(b.get()) || ::send(b.get(), "ok", 2, 0) != 2 ||
        !take(a.get())) {
      return std::nullopt;
    }
    return us_since(start);
  }

  net::Fd a, b;
};

/// Sorted; lost ones are missing.
inline std::vector<double> round_trips(const Datagrams& sockets, int count,
                                       std::chrono::microseconds pause = {}) {
  std::vector<double> us;
  for (int i = 0; i < count; ++i) {
    if (const auto trip = sockets.round_trip()) {
      us.push_back(*trip);
    }
    if (pause.count() > 0) {
      std::this_thread::sleep_for(pause);
    }
  }
  std::ranges::sort(us);
  return us;
}

/// A TCP connection from a to b.
struct Connection {
  explicit Connection(TwoHosts& hosts) {
    net::Fd listener;
    hosts.in(TwoHosts::b,
             [&] { listener.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); });
    hosts.in(TwoHosts::a, [&] { from.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); });
    const auto there = address_of("10.0.1.2", 9);
    const int on = 1;
    ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    TwoHosts::check(bind_to(listener.get(), there) && ::listen(listener.get(), 1) == 0, "listen");
    TwoHosts::check(connect_to(from.get(), there), "connect");
    to.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  net::Fd from, to;
};

}  // namespace faultline::wire
