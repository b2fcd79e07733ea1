#include "targets/lab/supervisor_ground.hpp"

#include "targets/lab/launch.hpp"
#include "targets/lab/protocol.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace faultline::lab {
namespace {

Error system_error(const std::string& what) {
  return {ErrorKind::io, fmt::format("{}: {}", what, std::strerror(errno))};
}

Result<net::Fd> bind_socket(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto text = path.string();
  if (text.size() >= sizeof address.sun_path) {
    return Error{ErrorKind::usage,
                 fmt::format("the lab's socket {} has {} bytes, at most {} are possible; choose a "
                             "shorter FAULTLINE_HOME",
                             text, text.size(), sizeof address.sun_path - 1)};
  }
  std::memcpy(address.sun_path, text.data(), text.size());
  ::unlink(text.c_str());  // of a lab that was killed; `launch` has made sure that none is up
  net::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const mode_t before = ::umask(0177);  // who may connect may do everything
  const bool bound =
      fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::listen(fd.get(), max_connections) == 0;
  ::umask(before);
  if (!bound) {
    return system_error("cannot listen at " + text);
  }
  return fd;
}

Result<net::Fd> open_logs(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  net::Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) {
    return system_error("cannot open the log folder " + folder.string());
  }
  return fd;
}

/// The old /proc still counts pids as its mounter does.
int pid_outside() {
  char text[32] = {};
  const ssize_t size = ::readlink("/proc/self", text, sizeof text - 1);
  return size > 0 ? std::atoi(text) : ::getpid();
}

Result<> cover_mounts() {
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return system_error("cannot make the lab's mounts private");
  }
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return system_error("cannot mount the lab's /proc");
  }
  if (::mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") != 0) {
    return system_error("cannot mount the lab's /run");
  }
  for (const auto* folder : {"/run/netns", "/run/faultline"}) {
    if (::mkdir(folder, 0755) != 0) {
      return system_error(fmt::format("cannot make {}", folder));
    }
  }
  return {};
}

/// ip, nft and redis-server are not in an ordinary user's PATH, and `exec` looks for faultline.
void set_path(const std::filesystem::path& programs) {
  const char* path = std::getenv("PATH");
  ::setenv("PATH",
           fmt::format("{}:{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                       programs.string(), path == nullptr ? "" : path)
               .c_str(),
           1);
}

}  // namespace

Result<Ground> prepare_ground(const SupervisorOptions& options) {
  ::signal(SIGPIPE, SIG_IGN);
  Ground ground;
  auto logs = open_logs(log_folder(options.home));
  if (!logs) {
    return logs.error();
  }
  auto listener = bind_socket(socket_path(options.home));
  if (!listener) {
    return listener.error();
  }
  ground.logs = std::move(*logs);
  ground.listener = std::move(*listener);
  ground.outer_pid = pid_outside();
  if (auto covered = cover_mounts(); !covered) {
    return covered.error();
  }
  set_path(options.programs);
  return ground;
}

}  // namespace faultline::lab
