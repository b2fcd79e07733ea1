#include "orchestrator/guard/start.hpp"

#include "targets/net/fd.hpp"

#include <fmt/format.h>

#include <cstring>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace faultline::guard {
namespace {

/// Attributes and descriptors of a spawn, freed at the end of the scope.
struct Spawning {
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t files;
  Spawning() {
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_init(&files);
  }
  ~Spawning() {
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&files);
  }
  Spawning(const Spawning&) = delete;
  Spawning& operator=(const Spawning&) = delete;
};

std::vector<std::string> environment_for(const std::filesystem::path& home) {
  constexpr std::string_view variable = "FAULTLINE_HOME=";
  std::vector<std::string> all{std::string(variable) + home.string()};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with(variable)) {
      all.emplace_back(*entry);
    }
  }
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& text : texts) {
    all.push_back(text.data());
  }
  all.push_back(nullptr);
  return all;
}

/// Guards that this process started and that ended since. The one that runs is not waited for.
void reap(std::vector<pid_t>& started) {
  std::erase_if(started, [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; });
}

}  // namespace

Result<> start_guard(const std::filesystem::path& home) {
  static std::vector<pid_t> started;
  reap(started);
  Spawning spawning;
  ::posix_spawnattr_setflags(&spawning.attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&spawning.attributes, &none);
  ::posix_spawn_file_actions_addopen(&spawning.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  const auto log = (home / "guard.log").string();
  ::posix_spawn_file_actions_addopen(&spawning.files, STDOUT_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::posix_spawn_file_actions_adddup2(&spawning.files, STDOUT_FILENO, STDERR_FILENO);
  std::vector<std::string> arguments{"faultline", "guard"};
  auto environment = environment_for(home);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, "/proc/self/exe", &spawning.files, &spawning.attributes,
                                  pointers(arguments).data(), pointers(environment).data());
  if (error != 0) {
    return Error{ErrorKind::io,
                 fmt::format("a guard could not be started: {}", std::strerror(error))};
  }
  started.push_back(pid);
  return {};
}

void kill_peer(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 0) {
    return;
  }
  const net::Fd process(static_cast<int>(::syscall(SYS_pidfd_open, peer.pid, 0)));
  if (process) {
    (void)::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
  }
}

}  // namespace faultline::guard
