#include "targets/lab/supervisor_namespaces.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <utility>

namespace faultline::lab {
namespace {

Error system_error(const std::string& what) {
  return {ErrorKind::io, fmt::format("{}: {}", what, std::strerror(errno))};
}

/// Brings the thread home, also when an exception ends the visit.
class Visit {
 public:
  explicit Visit(net::Fd home) : home_(std::move(home)) {}
  ~Visit() {
    if (::setns(home_.get(), CLONE_NEWNET) != 0) {
      std::terminate();  // everything after would happen in the wrong place
    }
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

 private:
  net::Fd home_;
};

}  // namespace

Result<net::Fd> open_namespace(const std::string& host) {
  if (host.empty() || host.find('/') != std::string::npos) {
    return Error{ErrorKind::not_found, fmt::format("the lab has no host '{}'", host)};
  }
  net::Fd fd(::open(("/run/netns/" + host).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    return Error{ErrorKind::not_found, fmt::format("the lab has no host '{}'", host)};
  }
  return fd;
}

Result<> inside(const std::string& host, const std::function<Result<>()>& body) {
  auto there = open_namespace(host);
  if (!there) {
    return there.error();
  }
  net::Fd here(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!here) {
    return system_error("cannot open the supervisor's own network namespace");
  }
  if (::setns(there->get(), CLONE_NEWNET) != 0) {
    return system_error(fmt::format("cannot enter host {}", host));
  }
  const Visit visit(std::move(here));
  return body();
}

Result<net::Fd> tcp_socket_in(const std::string& host) {
  net::Fd made;
  auto result = inside(host, [&]() -> Result<> {
    made.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
    if (!made) {
      return system_error(fmt::format("cannot make a socket in host {}", host));
    }
    return {};
  });
  if (!result) {
    return result.error();
  }
  return made;
}

Result<> write_setting(const std::string& host, const std::string& file, const std::string& value) {
  return inside(host, [&]() -> Result<> {
    const net::Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd || ::write(fd.get(), value.data(), value.size()) < 0) {
      return system_error(fmt::format("cannot write {} to {} in host {}", value, file, host));
    }
    return {};
  });
}

}  // namespace faultline::lab
