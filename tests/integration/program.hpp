#pragma once

#include "targets/net/fd.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

/// Running the built programs as people do.
namespace faultline::integration {

/// A folder that a copied test may be told of, else where it was built.
inline std::string folder(const char* variable, const char* built) {
  const char* told = std::getenv(variable);
  return told != nullptr ? told : built;
}
inline std::string program(const std::string& name) {
  return folder("FAULTLINE_PROGRAMS", FAULTLINE_BINARY_DIR) + "/" + name;
}
inline std::string sources() {
  return folder("FAULTLINE_SOURCES", FAULTLINE_SOURCE_DIR);
}

struct Outcome {
  int code = -1;  ///< as a shell says it: 128 + signal when a signal ended it
  std::string out, err;
};

/// A started program. Dropping it kills it.
class Program {
 public:
  using Environment = std::map<std::string, std::string>;

  Program(std::vector<std::string> argv, const Environment& environment,
          const std::string& input = "") {
    std::array<std::array<int, 2>, 3> pipes{};
    for (auto& pipe : pipes) {
      if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
        throw std::runtime_error("no pipe");
      }
    }
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(pipes[0][0], 0);
      ::dup2(pipes[1][1], 1);
      ::dup2(pipes[2][1], 2);
      for (const auto& [name, value] : environment) {
        ::setenv(name.c_str(), value.c_str(), 1);
      }
      std::vector<char*> pointers;
      for (auto& argument : argv) {
        pointers.push_back(argument.data());
      }
      pointers.push_back(nullptr);
      ::execvp(pointers[0], pointers.data());
      ::_exit(127);
    }
    for (const int theirs : {pipes[0][0], pipes[1][1], pipes[2][1]}) {
      ::close(theirs);
    }
    net::Fd in(pipes[0][1]);
    out_ = net::Fd(pipes[1][0]);
    err_ = net::Fd(pipes[2][0]);
    [[maybe_unused]] const auto written = ::write(in.get(), input.data(), input.size());
  }
  ~Program() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void signal(int number) const { ::kill(pid_, number); }

  /// Reads on until standard output or error holds `text`; false when both have ended without it.
  bool says(const std::string& text) {
    while (outcome_.out.find(text) == std::string::npos &&
           outcome_.err.find(text) == std::string::npos) {
      if (!read_some()) {
        return false;
      }
    }
    return true;
  }
  [[nodiscard]] const std::string& out() const { return outcome_.out; }

  Outcome wait() {
    while (read_some()) {
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    outcome_.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return outcome_;
  }

 private:
  bool read_some() {
    if (!out_ && !err_) {
      return false;
    }
    std::array<pollfd, 2> wait{{{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}}};
    if (::poll(wait.data(), wait.size(), -1) <= 0) {
      return false;
    }
    return take(wait[0], out_, outcome_.out) || take(wait[1], err_, outcome_.err) || out_ || err_;
  }
  static bool take(const pollfd& ready, net::Fd& from, std::string& into) {
    if (ready.revents == 0) {
      return false;
    }
    std::array<char, 4096> block{};
    const ssize_t n = ::read(from.get(), block.data(), block.size());
    if (n <= 0) {
      from.reset();
      return false;
    }
    into.append(block.data(), static_cast<std::size_t>(n));
    return true;
  }

  pid_t pid_ = 0;
  net::Fd out_, err_;
  Outcome outcome_;
};

/// A home of its own, short enough for a socket, removed at the end.
class TemporaryHome {
 public:
  TemporaryHome() {
    std::string name = "/tmp/faultline-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryHome() {
    run({"lab", "down", "--force"});  // also under a guard that is still looking
    std::filesystem::remove_all(path_);
  }
  TemporaryHome(const TemporaryHome&) = delete;
  TemporaryHome& operator=(const TemporaryHome&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// The caches are shared by all homes of a round: the database's template is made once.
  [[nodiscard]] Program::Environment environment() const {
    return {{"FAULTLINE_HOME", path_.string()},
            {"XDG_CACHE_HOME", folder("FAULTLINE_PROGRAMS", FAULTLINE_BINARY_DIR) + "/cache"}};
  }
  /// `faultline` with these arguments and this home.
  [[nodiscard]] std::unique_ptr<Program> start(std::vector<std::string> arguments,
                                               const std::string& input = "") const {
    arguments.insert(arguments.begin(), program("faultline"));
    return std::make_unique<Program>(std::move(arguments), environment(), input);
  }
  Outcome run(std::vector<std::string> arguments, const std::string& input = "") const {
    return start(std::move(arguments), input)->wait();
  }
  /// The process id of its guard; 0 when it has none.
  [[nodiscard]] pid_t guard() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (path_ / "guard.sock").string().copy(address.sun_path, sizeof address.sun_path - 1);
    const net::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ucred peer{};
    socklen_t size = sizeof peer;
    const bool there =
        ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
        ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    return there ? peer.pid : 0;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace faultline::integration
