#include "targets/lab/database/child.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace faultline::database {
namespace {

/// In a copy of a program with threads: nothing here may allocate.
[[noreturn]] void become(char* const* argv, int input, int output, int parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {
    ::_exit(127);  // it was gone before the line above
  }
  if (input >= 0) {
    ::dup2(input, STDIN_FILENO);
  } else {
    ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
  }
  if (output >= 0) {
    ::dup2(output, STDOUT_FILENO);
  }
  ::dup2(STDOUT_FILENO, STDERR_FILENO);
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::execv(argv[0], argv);
  ::_exit(127);
}

}  // namespace

Result<Child> Child::start(const std::vector<std::string>& argv, int input, int output) {
  std::vector<char*> raw;
  for (const auto& word : argv) {
    raw.push_back(const_cast<char*>(word.c_str()));
  }
  raw.push_back(nullptr);
  const int parent = ::getpid();
  const int pid = ::fork();
  if (pid == 0) {
    become(raw.data(), input, output, parent);
  }
  if (pid < 0) {
    return Error{ErrorKind::io, fmt::format("cannot start {}: {}", argv[0], strerror(errno))};
  }
  Child child;
  child.pid_ = pid;
  child.handle_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  return child;
}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, -1);
    handle_ = std::move(other.handle_);
  }
  return *this;
}

bool Child::reap(int options) {
  int status = 0;
  int got = 0;
  do {
    got = ::waitpid(pid_, &status, options);
  } while (got < 0 && errno == EINTR);
  if (got == 0) {
    return false;
  }
  code_ = got < 0 ? -1 : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  pid_ = -1;
  handle_.reset();
  return true;
}

bool Child::running() {
  return pid_ > 0 && !reap(WNOHANG);
}

void Child::kill() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    reap(0);
  }
}

int Child::wait(std::chrono::milliseconds limit) {
  if (pid_ > 0) {
    pollfd end{handle_.get(), POLLIN, 0};
    if (::poll(&end, 1, static_cast<int>(limit.count())) <= 0) {
      return -1;
    }
    reap(0);
  }
  return code_;
}

Result<> KeptChild::start(const std::vector<std::string>& argv) {
  auto child = Child::start(argv);
  if (!child) {
    return child.error();
  }
  child_ = std::move(*child);
  pid_ = child_.pid();
  return {};
}

bool KeptChild::running() {
  if (child_.running()) {
    return true;
  }
  if (const int pid = std::exchange(pid_, 0); pid != 0) {
    constexpr int by_signal = 128;
    const int code = child_.wait({});
    lost_ = {pid, code > by_signal ? fmt::format("killed by signal {}", code - by_signal)
                                   : fmt::format("exited with code {}", code)};
  }
  return false;
}

void KeptChild::kill() {
  if (running()) {
    pid_ = 0;
    child_.kill();
  }
}

std::optional<Loss> KeptChild::lost() {
  (void)running();
  return lost_;
}

}  // namespace faultline::database
