#include "targets/lab/services/sink.hpp"

#include "targets/lab/services/family.hpp"
#include "targets/net/fd.hpp"
#include "targets/net/flags.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <vector>

namespace faultline::services {
namespace {

/// The kernel's own upper limit (net.core.somaxconn).
constexpr int backlog = 4096;
/// 129,024 connections, two NAT addresses full, need 7 processes with 20,000 descriptors each.
constexpr int max_processes = 64;
constexpr std::size_t events_at_once = 512;

Result<net::Fd> listen_at(const net::Endpoint& endpoint) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(endpoint.port);
  ::inet_pton(AF_INET, endpoint.address.c_str(), &at.sin_addr);
  net::Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  const void* where = &at;
  if (::bind(listener.get(), static_cast<const sockaddr*>(where), sizeof at) != 0 ||
      ::listen(listener.get(), backlog) != 0) {
    return Error{ErrorKind::io, fmt::format("cannot listen at {}: {}", net::to_string(endpoint),
                                            std::strerror(errno))};
  }
  return listener;
}

/// The connections of one process.
class Sink {
 public:
  explicit Sink(int listener) : listener_(listener), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    watch(listener_, EPOLLIN);
  }

  int run() {
    std::array<epoll_event, events_at_once> events{};
    while (true) {
      const int got = ::epoll_wait(epoll_.get(), events.data(), events.size(), -1);
      if (got < 0 && errno != EINTR) {
        return net::fail({ErrorKind::io, fmt::format("cannot wait: {}", std::strerror(errno))});
      }
      for (int i = 0; i < got; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == listener_) {
          accept_all();
        } else {
          let_go(fd);
        }
      }
    }
  }

 private:
  void watch(int fd, unsigned events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }

  void accept_all() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
          full_ = true;  // else epoll would say at once that there is somebody to accept
          ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener_, nullptr);
        }
        return;
      }
      const auto index = static_cast<std::size_t>(fd);
      if (held_.size() <= index) {
        held_.resize(2 * index + 1);
      }
      held_[index].reset(fd);
      watch(fd, EPOLLRDHUP);
    }
  }

  void let_go(int fd) {
    held_[static_cast<std::size_t>(fd)].reset();
    if (full_) {
      full_ = false;
      watch(listener_, EPOLLIN);
    }
  }

  int listener_;
  net::Fd epoll_;
  std::vector<net::Fd> held_;  ///< by its number
  bool full_ = false;
};

/// Every listener is there before the first process begins, so that what is wrong is said at once.
Result<std::vector<net::Fd>> listeners(const net::Endpoint& at, int count) {
  std::vector<net::Fd> all;
  for (int i = 0; i < count; ++i) {
    auto one = listen_at(at);
    if (!one) {
      return one.error();
    }
    all.push_back(std::move(*one));
  }
  return all;
}

}  // namespace

int sink_main(std::span<const std::string> args) {
  net::FlagReader flags(args, {"--listen", "--processes"});
  const auto at = flags.endpoint("--listen");
  const int processes = flags.number("--processes", 1, max_processes);
  if (const auto right = flags.result(); !right) {
    return net::fail(right.error());
  }
  if (const auto may = may_exchange_with(at); !may) {
    return net::fail(may.error());
  }
  raise_connection_limit();
  auto all = listeners(at, processes);
  if (!all) {
    return net::fail(all.error());
  }
  Family family;
  for (std::size_t mine = 0; mine < all->size(); ++mine) {
    const auto added = family.add([&all, mine] {
      const int listener = (*all)[mine].release();
      all->clear();  // connections to a listener that nobody reads would wait for ever
      return Sink(listener).run();
    });
    if (!added) {
      return net::fail(added.error());
    }
  }
  all->clear();
  fmt::print("listening on {} in {} processes\n", net::to_string(at), processes);
  std::fflush(stdout);
  return family.wait_for_one();
}

}  // namespace faultline::services
