#include "tests/bench/bare_loop.hpp"

#include "tests/net/loopback.hpp"

#include <array>
#include <chrono>
#include <netinet/tcp.h>
#include <string_view>
#include <sys/epoll.h>
#include <system_error>
#include <vector>

namespace faultline {
namespace {

constexpr std::string_view request = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
constexpr int max_events = 256, longest_wait_ms = 100;

void send_request(int socket) {
  [[maybe_unused]] const auto sent =
      ::send(socket, request.data(), request.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

net::Fd connect(std::uint16_t port, int epoll) {
  auto socket = net::loopback_socket();
  const auto address = net::loopback(port);
  const void* raw = &address;
  const int yes = 1;
  epoll_event interest{};
  interest.events = EPOLLIN | EPOLLET;
  interest.data.fd = socket.get();
  if (::connect(socket.get(), static_cast<const sockaddr*>(raw), sizeof address) != 0 ||
      ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0 ||
      ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket.get(), &interest) != 0) {
    throw std::system_error(errno, std::system_category(), "bare loop");
  }
  return socket;
}

}  // namespace

std::uint64_t bare_loop(std::uint16_t port, int connections, int seconds) {
  const net::Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  std::vector<net::Fd> sockets;
  for (int i = 0; i < connections; ++i) {
    sockets.push_back(connect(port, epoll.get()));
    send_request(sockets.back().get());
  }
  std::array<epoll_event, max_events> events;
  std::array<char, 64 * 1024> answer;
  std::uint64_t answers = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (std::chrono::steady_clock::now() < end) {
    const int count = ::epoll_wait(epoll.get(), events.data(), max_events, longest_wait_ms);
    for (int i = 0; i < count; ++i) {
      const int socket = events[static_cast<std::size_t>(i)].data.fd;
      if (::recv(socket, answer.data(), answer.size(), MSG_DONTWAIT) > 0) {
        ++answers;
        send_request(socket);
      }
    }
  }
  return answers;
}

}  // namespace faultline
