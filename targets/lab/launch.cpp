#include "targets/lab/launch.hpp"

#include "targets/lab/spawn.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace faultline::lab {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// A lab that is ending is gone in milliseconds; one that starts is refused.
constexpr Duration lock_patience = std::chrono::seconds(2);
constexpr Duration lock_interval = std::chrono::milliseconds(20);
/// Bar: down in 1 s. A supervisor that has not ended by then is killed.
constexpr Duration down_limit = std::chrono::seconds(3);
constexpr std::size_t max_said_bytes = 64 * 1024;  ///< a start says some twenty lines
constexpr std::uintmax_t log_tail_bytes = 1024;    ///< the last words of a supervisor that died

Instant now() {
  return std::chrono::steady_clock::now();
}

Error io_error(std::string_view what, const fs::path& path) {
  return {ErrorKind::io,
          fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(errno))};
}

/// Connected to the home's supervisor, or none.
net::Fd connect_to(const fs::path& home) {
  const std::string path = socket_path(home).string();
  sockaddr_un address{AF_UNIX, {}};
  if (path.size() >= sizeof address.sun_path) {
    return {};
  }
  path.copy(address.sun_path, path.size());
  net::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (!socket || ::connect(socket.get(), generic, sizeof address) != 0) {
    return {};
  }
  return socket;
}

net::Fd lock_file(const fs::path& home) {
  return net::Fd(::open((home / "lab" / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

bool try_lock(const net::Fd& file) {
  return ::flock(file.get(), LOCK_EX | LOCK_NB) == 0;
}

/// The lock of the home's lab. The supervisor inherits it, so that it is held while anything lives.
Result<net::Fd> take_lock(const fs::path& home) {
  net::Fd lock = lock_file(home);
  if (!lock) {
    return io_error("open", home / "lab" / "lock");
  }
  for (const Instant until = now() + lock_patience; !try_lock(lock);) {
    if (is_up(home)) {
      return Error{ErrorKind::refused,
                   fmt::format("a lab is up already in {}; 'faultline lab status' shows it, "
                               "'faultline lab down' ends it",
                               home.string())};
    }
    if (now() >= until) {
      return Error{ErrorKind::refused, fmt::format("another process starts or ends the lab of {} "
                                                   "right now; try again",
                                                   home.string())};
    }
    std::this_thread::sleep_for(lock_interval);
  }
  return lock;
}

Result<> prepare_folder(const fs::path& home) {
  std::error_code failed;
  fs::create_directories(home / "lab", failed);
  if (failed || ::chmod((home / "lab").c_str(), 0700) != 0) {
    return io_error("create", home / "lab");
  }
  return {};
}

/// Nothing remains of the lab before this one. Only with the lock.
Result<> clear_leftovers(const fs::path& home) {
  std::error_code failed;
  fs::remove(socket_path(home), failed);
  fs::remove_all(log_folder(home), failed);
  fs::create_directories(log_folder(home), failed);
  if (failed) {
    return Error{ErrorKind::io,
                 fmt::format("cannot create {}: {}", log_folder(home).string(), failed.message())};
  }
  return {};
}

std::string log_tail(const fs::path& file) {
  std::error_code failed;
  const auto size = fs::file_size(file, failed);
  if (failed || size == 0) {
    return "";
  }
  std::ifstream in(file);
  in.seekg(static_cast<std::streamoff>(size - std::min(size, log_tail_bytes)));
  std::string text{std::istreambuf_iterator<char>(in), {}};
  return "; it said last:\n" + text;
}

struct Pipe {
  net::Fd reading, writing;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return Error{ErrorKind::io, fmt::format("cannot create a pipe: {}", std::strerror(errno))};
  }
  return Pipe{net::Fd(ends[0]), net::Fd(ends[1])};
}

/// Listens to a supervisor that starts, until it is ready, fails, ends or is late.
class Startup {
 public:
  Startup(const LaunchOptions& options, const net::Fd& ready)
      : options_(options), ready_(ready), until_(now() + options.limit) {}

  Result<> wait() {
    std::string said;
    while (said.size() < max_said_bytes) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - now()).count();
      pollfd wait{ready_.get(), POLLIN, 0};
      if (left <= 0 || ::poll(&wait, 1, static_cast<int>(left)) == 0) {
        return late();
      }
      std::array<char, 4096> block{};
      const ssize_t n = ::read(ready_.get(), block.data(), block.size());
      if (n <= 0) {
        return died();
      }
      said.append(block.data(), static_cast<std::size_t>(n));
      for (auto end = said.find('\n'); end != std::string::npos; end = said.find('\n')) {
        if (auto outcome = take(said.substr(0, end))) {
          return *outcome;
        }
        said.erase(0, end + 1);
      }
    }
    return died();
  }

 private:
  /// The outcome, when this line decides it.
  std::optional<Result<>> take(const std::string& line) {
    const Json told = Json::parse(line, nullptr, false);
    if (!told.is_object()) {
      return std::nullopt;  // a library's chatter is no reason to fail
    }
    if (told.contains("ready")) {
      return Result<>();
    }
    if (told.contains("error")) {
      const Json& error = told["error"];
      return Error{ErrorKind::refused,
                   fmt::format("the lab did not start: {} (logs: {})",
                               error.is_string() ? error.get<std::string>() : error.dump(),
                               log_folder(options_.home).string())};
    }
    doing_ = told.value("progress", doing_);
    if (options_.progress) {
      options_.progress(doing_);
    }
    return std::nullopt;
  }

  [[nodiscard]] Error late() const {
    return {ErrorKind::timeout,
            fmt::format("the lab was not healthy within {}; it was at: {} (logs: {})",
                        in_words(options_.limit), doing_, log_folder(options_.home).string())};
  }
  [[nodiscard]] Error died() const {
    const fs::path log = log_folder(options_.home) / "supervisor.log";
    return {ErrorKind::io, fmt::format("the lab's supervisor ended while it started, at: {} (log: "
                                       "{}){}",
                                       doing_, log.string(), log_tail(log))};
  }

  const LaunchOptions& options_;
  const net::Fd& ready_;
  Instant until_;
  std::string doing_ = "its first step";
};

Result<net::Fd> spawn_supervisor(const LaunchOptions& options, const fs::path& program,
                                 const std::vector<int>& inherited, int ready, int lifeline) {
  const fs::path log_path = log_folder(options.home) / "supervisor.log";
  const net::Fd log(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log) {
    return io_error("write", log_path);
  }
  Spawn spawn;
  spawn.argv = {program.string(),      "supervise",     "--home",
                options.home.string(), "--programs",    program.parent_path().string(),
                "--profile",           options.profile, "--ready-fd",
                std::to_string(ready)};
  if (!options.cache.empty()) {
    spawn.argv.insert(spawn.argv.end(), {"--cache", options.cache.string()});
  }
  if (options.snat_ports != 0) {
    spawn.argv.insert(spawn.argv.end(), {"--snat-ports", std::to_string(options.snat_ports)});
  }
  if (lifeline >= 0) {
    spawn.argv.insert(spawn.argv.end(), {"--lifeline-fd", std::to_string(lifeline)});
  }
  spawn.env = environment_with_sbin();
  spawn.output = spawn.error = log.get();
  spawn.inherited = inherited;
  spawn.die_with_parent = true;  // a daemon lets go of its starter when it is ready
  auto process = spawn_in_namespaces(spawn);
  if (!process) {
    return Error{
        ErrorKind::unsupported,
        fmt::format("cannot start {} in namespaces of its own: {}: {}; 'faultline doctor' "
                    "says what this machine lacks",
                    program.string(), process.error().step, std::strerror(process.error().error))};
  }
  return std::move(*process);
}

void kill_and_wait(const net::Fd& process) {
  kill(process, SIGKILL);
  wait_gone(process, down_limit);
}

/// The process at the other end, in this process's pid namespace.
net::Fd peer_process(const net::Fd& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 0) {
    return {};
  }
  return net::Fd(static_cast<int>(::syscall(SYS_pidfd_open, peer.pid, 0)));
}

}  // namespace

Result<Launched> launch(const LaunchOptions& options) {
  const fs::path program = options.program.empty() ? own_program() : options.program;
  if (auto able = require(doctor(options.home, program)); !able) {
    return able.error();
  }
  if (auto folder = prepare_folder(options.home); !folder) {
    return folder.error();
  }
  auto lock = take_lock(options.home);
  if (!lock) {
    return lock.error();
  }
  if (auto cleared = clear_leftovers(options.home); !cleared) {
    return cleared.error();
  }
  auto ready = make_pipe();
  auto lifeline = options.private_lab ? make_pipe() : Result<Pipe>(Pipe{});
  if (!ready || !lifeline) {
    return ready ? lifeline.error() : ready.error();
  }
  std::vector<int> inherited{lock->get(), ready->writing.get()};
  if (options.private_lab) {
    inherited.push_back(lifeline->reading.get());
  }
  auto process =
      spawn_supervisor(options, program, inherited, ready->writing.get(), lifeline->reading.get());
  ready->writing.reset();
  if (!process) {
    return process.error();
  }
  if (auto started = Startup(options, ready->reading).wait(); !started) {
    kill_and_wait(*process);
    std::error_code ignored;
    fs::remove(socket_path(options.home), ignored);
    return started.error();
  }
  return Launched{std::move(*process), std::move(lifeline->writing)};
}

void end(Launched lab) {
  lab.lifeline.reset();
  if (lab.process && !wait_gone(lab.process, down_limit)) {
    kill_and_wait(lab.process);
  }
}

Result<> shut_down(const fs::path& home) {
  const net::Fd socket = connect_to(home);
  const net::Fd process = socket ? peer_process(socket) : net::Fd();
  if (!process) {
    return no_lab(home);
  }
  constexpr std::string_view request = "{\"id\":1,\"op\":\"down\"}\n";
  const bool asked = ::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) ==
                     static_cast<ssize_t>(request.size());
  if (!asked || !wait_gone(process, down_limit)) {
    kill_and_wait(process);
  }
  std::error_code ignored;
  fs::remove(socket_path(home), ignored);
  return {};
}

Error no_lab(const fs::path& home) {
  return {ErrorKind::not_found,
          fmt::format("no lab is up in {}; start one with 'faultline lab up'", home.string())};
}

bool is_up(const fs::path& home) {
  return static_cast<bool>(connect_to(home));
}

fs::path socket_path(const fs::path& home) {
  return home / "lab" / "control.sock";
}

fs::path log_folder(const fs::path& home) {
  return home / "lab" / "logs";
}

fs::path private_home(const fs::path& home, int pid) {
  return home / "private" / std::to_string(pid);
}

fs::path own_program() {
  std::error_code failed;
  return fs::read_symlink("/proc/self/exe", failed);
}

}  // namespace faultline::lab
