#include "targets/lab/services/family.hpp"

#include "targets/net/inside_lab.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faultline::services {
namespace {

/// Descriptors that are no connections: standard ones, epoll, a listener, pipes.
constexpr int reserved_descriptors = 64;
/// Where there is no limit to speak of: a NAT address has 64,512 ports, four of them are enough.
constexpr int max_connections = 4 * 64'512;

}  // namespace

Result<> may_exchange_with(const net::Endpoint& to) {
  if (to.address.starts_with("127.") || net::inside_lab()) {
    return {};
  }
  return Error{ErrorKind::refused,
               fmt::format("{}: connections go to loopback or inside a lab only, and this process "
                           "is not on a lab's host; start it with 'faultline lab exec HOST -- ...'",
                           net::to_string(to))};
}

int raise_connection_limit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) {
    return 1;
  }
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  ::getrlimit(RLIMIT_NOFILE, &files);
  const auto limit = static_cast<int>(std::min<rlim_t>(files.rlim_cur, max_connections));
  return std::max(1, limit - reserved_descriptors);
}

Result<> Family::add(const std::function<int()>& body) {
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    return Error{ErrorKind::io, fmt::format("cannot start a process: {}", std::strerror(errno))};
  }
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // The parent may have ended before the line above.
    ::_exit(::getppid() == parent ? body() : 1);
  }
  members_.push_back(pid);
  return {};
}

int Family::wait_for_one() {
  int status = 0;
  pid_t ended = -1;
  do {
    ended = ::waitpid(-1, &status, 0);
  } while (ended < 0 && errno == EINTR);
  std::erase(members_, ended);
  return ended > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace faultline::services
