#include "targets/lab/supervisor_children.hpp"

#include "targets/lab/supervisor_namespaces.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <climits>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

namespace faultline::lab {
namespace {

constexpr std::size_t max_output_bytes = 256u << 10;  // `nft list ruleset` prints a few KiB

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const auto& s : strings) {
    out.push_back(const_cast<char*>(s.c_str()));
  }
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment(const ChildSpec& spec) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (!spec.env.contains(std::string(text.substr(0, text.find('='))))) {
      out.emplace_back(text);
    }
  }
  for (const auto& [key, value] : spec.env) {
    out.push_back(key + '=' + value);
  }
  return out;
}

/// What the child needs between fork and exec, made before: there it may only make system calls.
struct Launch {
  std::vector<std::string> env_text;
  std::vector<char*> argv, env;
  net::Fd network;
  int streams[3];
};

/// The supervisor's handlers and ignored signals are not the child's.
void default_signals() {
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGPIPE}) {
    ::signal(signal, SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// dup2 to 0..2 from copies above, so that no stream overwrites another's source.
bool place_streams(const int (&streams)[3]) {
  int copies[3];
  for (int i = 0; i < 3; ++i) {
    const int from = streams[i] >= 0 ? streams[i] : ::open("/dev/null", O_RDWR | O_CLOEXEC);
    copies[i] = ::fcntl(from, F_DUPFD_CLOEXEC, 3);
  }
  for (int i = 0; i < 3; ++i) {
    if (copies[i] < 0 || ::dup2(copies[i], i) < 0) {
      return false;
    }
  }
  return ::close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC) == 0;
}

[[noreturn]] void become(const Launch& launch, int report_fd) {
  default_signals();
  const bool placed = ::setpgid(0, 0) == 0 &&
                      (!launch.network || ::setns(launch.network.get(), CLONE_NEWNET) == 0) &&
                      place_streams(launch.streams);
  if (placed) {
    ::execvpe(launch.argv[0], launch.argv.data(), launch.env.data());
  }
  const int error = errno;
  [[maybe_unused]] const auto written = ::write(report_fd, &error, sizeof error);
  ::_exit(127);
}

/// 0 when the program was loaded: the pipe closes by exec. Else its errno.
int wait_for_exec(int fd) {
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(fd, &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  return got == sizeof error ? error : 0;
}

std::string contents(int fd) {
  std::string text(max_output_bytes, '\0');
  const ssize_t got = ::pread(fd, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

}  // namespace

std::string Exit::in_words() const {
  return signal != 0 ? fmt::format("killed by signal {}", signal)
                     : fmt::format("exited with code {}", code);
}

Children::Children(boost::asio::io_context& io) : io_(io), signals_(io, SIGCHLD) {
  wait_for_signal();
}

Result<pid_t> Children::spawn(const ChildSpec& spec, OnExit on_exit) {
  Launch launch{environment(spec), pointers(spec.argv), {}, {}, {spec.in, spec.out, spec.err}};
  launch.env = pointers(launch.env_text);
  if (!spec.host.empty()) {
    auto network = open_namespace(spec.host);
    if (!network) {
      return network.error();
    }
    launch.network = std::move(*network);
  }
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) {
    return Error{ErrorKind::io, fmt::format("cannot make a pipe: {}", std::strerror(errno))};
  }
  net::Fd read_end(report[0]);
  net::Fd write_end(report[1]);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) {
    // Above the streams, which dup2 would overwrite.
    become(launch, ::fcntl(write_end.get(), F_DUPFD_CLOEXEC, 3));
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) {
    return Error{ErrorKind::io, fmt::format("cannot fork: {}", std::strerror(errno))};
  }
  write_end.reset();
  if (const int error = wait_for_exec(read_end.get()); error != 0) {
    return Error{ErrorKind::io,
                 fmt::format("cannot start {}: {}", spec.argv[0], std::strerror(error))};
  }
  running_[pid] = std::move(on_exit);
  return pid;
}

void Children::finish(const ChildSpec& spec, const std::string& input, Duration limit,
                      targets::Done<Finished> done) {
  const net::Fd in(::memfd_create("input", MFD_CLOEXEC));
  auto out = std::make_shared<net::Fd>(::memfd_create("output", MFD_CLOEXEC));
  const bool written =
      in && *out &&
      ::pwrite(in.get(), input.data(), input.size(), 0) == static_cast<ssize_t>(input.size());
  auto timer = std::make_shared<boost::asio::steady_timer>(io_, limit);
  ChildSpec whole = spec;
  whole.in = in.get();
  whole.out = whole.err = out->get();
  const auto on_exit = [done, out, timer](Exit exit) {
    timer->cancel();
    done(Finished{exit, contents(out->get())});
  };
  Result<pid_t> pid =
      written ? spawn(whole, on_exit)
              : Error{ErrorKind::io, fmt::format("{}: no memory for input", spec.argv[0])};
  if (!pid) {
    boost::asio::post(io_, [done, error = pid.error()] { done(error); });
    return;
  }
  timer->async_wait([pid = *pid](boost::system::error_code e) {
    if (!e) {
      ::kill(-pid, SIGKILL);
    }
  });
}

void Children::run(const ChildSpec& spec, const std::string& input, Duration limit,
                   targets::Done<std::string> done) {
  const auto what =
      fmt::format("{} in {}", spec.argv[0], spec.host.empty() ? "the lab" : spec.host);
  finish(spec, input, limit, [done = std::move(done), what](Result<Finished> finished) {
    if (!finished) {
      done(finished.error());
    } else if (finished->exit.code == 0 && finished->exit.signal == 0) {
      done(std::move(finished->printed));
    } else {
      const auto& text = finished->printed;
      done(Error{ErrorKind::io, fmt::format("{} {}: {}", what, finished->exit.in_words(),
                                            text.substr(0, text.find('\n')))});
    }
  });
}

void Children::wait_for_signal() {
  signals_.async_wait([this](boost::system::error_code e, int) {
    if (!e) {
      reap();
      wait_for_signal();
    }
  });
}

void Children::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    const auto it = running_.find(pid);
    if (it == running_.end()) {
      continue;  // an orphan of one of ours, or a program that could not be loaded
    }
    const auto on_exit = std::move(it->second);
    running_.erase(it);
    on_exit(WIFSIGNALED(status) ? Exit{0, WTERMSIG(status)} : Exit{WEXITSTATUS(status), 0});
  }
}

}  // namespace faultline::lab
