#include "targets/lab/spawn.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <poll.h>
#include <string_view>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faultline::lab {
namespace {

enum Step : int { step_clone, step_setgroups, step_uid_map, step_gid_map, step_exec };
constexpr std::array step_names{"clone", "setgroups", "uid_map", "gid_map", "exec"};

/// What the child tells before its program runs; then the pipe closes by itself.
struct Report {
  Step step;
  int error;
};

/// All that the child needs, made before the clone: after it, in a copy of a process that may have
/// threads, nothing may allocate.
struct Prepared {
  std::string uid_map, gid_map;
  std::vector<char*> argv, env;
  std::array<int, 3> stdio{};
  const Spawn* spawn = nullptr;
  int report = -1;
};

[[noreturn]] void give_up(const Prepared& p, Step step) {
  const Report report{step, errno};
  [[maybe_unused]] const auto written = ::write(p.report, &report, sizeof report);
  ::_exit(127);
}

bool write_file(const char* path, std::string_view text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  ::close(fd);
  errno = error;
  return written;
}

[[noreturn]] void child(const Prepared& p) {
  if (p.spawn->die_with_parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  }
  ::setsid();
  if (!write_file("/proc/self/setgroups", "deny")) {
    give_up(p, step_setgroups);
  }
  if (!write_file("/proc/self/uid_map", p.uid_map)) {
    give_up(p, step_uid_map);
  }
  if (!write_file("/proc/self/gid_map", p.gid_map)) {
    give_up(p, step_gid_map);
  }
  for (int fd = 0; fd < 3; ++fd) {
    ::dup2(p.stdio[static_cast<std::size_t>(fd)], fd);
  }
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  for (const int fd : p.spawn->inherited) {
    ::fcntl(fd, F_SETFD, 0);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(p.argv.front(), p.argv.data(), p.env.data());
  give_up(p, step_exec);
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const auto& s : strings) {
    out.push_back(const_cast<char*>(s.c_str()));  // execve's signature predates const
  }
  out.push_back(nullptr);
  return out;
}

/// A descriptor above 2, so that giving the child its standard streams overwrites none of them.
net::Fd above_stdio(int fd) {
  return net::Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

}  // namespace

boost::system::result<net::Fd, SpawnFailure> spawn_in_namespaces(const Spawn& spawn) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return SpawnFailure{step_names[step_clone], errno};
  }
  const net::Fd reading(pipe[0]);
  net::Fd writing = above_stdio(pipe[1]);
  ::close(pipe[1]);
  const net::Fd null_device(::open("/dev/null", O_RDWR | O_CLOEXEC));
  std::array<net::Fd, 3> stdio;
  Prepared p{fmt::format("0 {} 1", ::geteuid()),
             fmt::format("0 {} 1", ::getegid()),
             pointers(spawn.argv),
             pointers(spawn.env),
             {},
             &spawn,
             writing.get()};
  const std::array wanted{spawn.input, spawn.output, spawn.error};
  for (std::size_t i = 0; i < stdio.size(); ++i) {
    stdio[i] = above_stdio(wanted[i] < 0 ? null_device.get() : wanted[i]);
    p.stdio[i] = stdio[i].get();
  }
  int pidfd = -1;
  const long pid = ::syscall(
      SYS_clone, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_PIDFD | SIGCHLD,
      nullptr, &pidfd, nullptr, 0UL);
  if (pid < 0) {
    return SpawnFailure{step_names[step_clone], errno};
  }
  if (pid == 0) {
    child(p);
  }
  net::Fd process(pidfd);
  writing.reset();
  Report report{};
  ssize_t got = 0;
  do {
    got = ::read(reading.get(), &report, sizeof report);
  } while (got < 0 && errno == EINTR);
  if (got != 0) {
    wait_gone(process, std::chrono::seconds(1));
    return SpawnFailure{step_names[report.step], report.error};
  }
  return process;
}

bool wait_gone(const net::Fd& process, Duration limit, ProcessEnd* ended) {
  const Instant until = std::chrono::steady_clock::now() + limit;
  pollfd wait{process.get(), POLLIN, 0};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        until - Instant(std::chrono::steady_clock::now()));
    const int n = ::poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (n == 0) {
      return false;
    }
    if (n > 0) {
      break;
    }
  }
  siginfo_t info{};
  if (::waitid(P_PIDFD, static_cast<id_t>(process.get()), &info, WEXITED) == 0 &&
      ended != nullptr) {
    const bool exited = info.si_code == CLD_EXITED;
    *ended = {exited ? info.si_status : 0, exited ? 0 : info.si_status};
  }
  return true;
}

void kill(const net::Fd& process, int signal) {
  ::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0);
}

std::vector<std::string> environment_with_sbin() {
  std::vector<std::string> env;
  std::string path = "PATH=/usr/local/bin:/usr/bin:/bin";
  for (char** variable = environ; *variable != nullptr; ++variable) {
    std::string_view text = *variable;
    if (text.starts_with("PATH=")) {
      path = text;
    } else {
      env.emplace_back(text);
    }
  }
  env.push_back(path + ":/usr/sbin:/sbin");
  return env;
}

std::optional<std::string> find_program(const std::string& name) {
  const std::string variable = environment_with_sbin().back();
  std::string_view folders = std::string_view(variable).substr(std::string_view("PATH=").size());
  while (!folders.empty()) {
    const auto end = std::min(folders.find(':'), folders.size());
    const std::string path = fmt::format("{}/{}", folders.substr(0, end), name);
    if (folders.front() == '/' && ::access(path.c_str(), X_OK) == 0) {
      return path;
    }
    folders.remove_prefix(std::min(end + 1, folders.size()));
  }
  return std::nullopt;
}

}  // namespace faultline::lab
