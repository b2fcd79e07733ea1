#pragma once

#include "targets/lab/wire/wire_main.hpp"
#include "targets/net/fd.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <net/if.h>
#include <optional>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace faultline::wire {

/// Two hosts, 10.0.1.1 and 10.0.1.2, joined directly or by the wire, in namespaces of their own:
/// for a test and for a measurement. Its functions throw std::runtime_error.
class TwoHosts {
 public:
  enum Place : std::size_t { home, a, b, between };

  /// Runs `body` as the first process of new user, pid, mount and network namespaces; whatever it
  /// starts ends with it, at the latest after `limit`. Returns its exit code, or nothing where such
  /// namespaces are forbidden.
  static std::optional<int> run(std::chrono::seconds limit,
                                const std::function<int(TwoHosts&)>& body);

  /// Sockets that `body` makes belong to the place.
  void in(Place place, const std::function<void()>& body) {
    enter(place);
    body();
    enter(home);
  }
  void enter(Place place) {
    check(::setns(places_.at(place).get(), CLONE_NEWNET) == 0, "enter a network namespace");
  }

  void join_directly() {
    ip(a, fmt::format("link add eth0 type veth peer name eth0 netns {}\n", path_of(b)));
    give_addresses();
  }
  /// Returns when the wire's control socket answers.
  void join_by_wire(int delay_us);
  /// Ends the wire too.
  void part();
  /// One request to the wire's control socket.
  nlohmann::json ask(const nlohmann::json& request);

  static void check(bool well, const std::string& doing) {
    if (!well) {
      throw std::runtime_error(fmt::format("cannot {}: {}", doing, std::strerror(errno)));
    }
  }

 private:
  TwoHosts() {
    for (auto& place : places_) {
      if (&place != &places_.front()) {
        check(::unshare(CLONE_NEWNET) == 0, "make a network namespace");
      }
      place.reset(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    }
    enter(home);
    std::string name = "/tmp/faultline-wire-XXXXXX";
    check(::mkdtemp(name.data()) != nullptr, "make a folder");
    control_ = std::filesystem::path(name) / "control.sock";
  }
  ~TwoHosts() { std::filesystem::remove_all(control_.parent_path()); }
  static bool unshare_all();
  static int first_process(const std::function<int(TwoHosts&)>& body);

  [[nodiscard]] std::string path_of(Place place) const {
    return fmt::format("/proc/1/fd/{}", places_.at(place).get());
  }
  void ip(Place place, const std::string& commands);
  void give_addresses() {
    ip(a, "address add 10.0.1.1/24 dev eth0\nlink set eth0 up\nlink set lo up\n");
    ip(b, "address add 10.0.1.2/24 dev eth0\nlink set eth0 up\nlink set lo up\n");
  }

  std::array<net::Fd, 4> places_;
  std::filesystem::path control_;
  pid_t wire_ = 0;
};

inline bool TwoHosts::unshare_all() {
  const auto uid = ::getuid();
  const auto gid = ::getgid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET) != 0) {
    return false;
  }
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << fmt::format("0 {} 1", uid);
  std::ofstream("/proc/self/gid_map") << fmt::format("0 {} 1", gid);
  return true;
}

inline int TwoHosts::first_process(const std::function<int(TwoHosts&)>& body) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  try {
    check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
              ::mount("proc", "/proc", "proc", 0, nullptr) == 0,
          "mount /proc");
    TwoHosts hosts;
    return body(hosts);
  } catch (const std::exception& e) {
    fmt::print(stderr, "two hosts: {}\n", e.what());
    return 1;
  }
}

inline std::optional<int> TwoHosts::run(std::chrono::seconds limit,
                                        const std::function<int(TwoHosts&)>& body) {
  constexpr int forbidden = 77;
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::alarm(static_cast<unsigned>(limit.count()));  // its death is the end of all of them
    if (!unshare_all()) {
      ::_exit(forbidden);
    }
    const pid_t first = ::fork();
    if (first == 0) {
      const int code = first_process(body);
      std::fflush(nullptr);
      ::_exit(code);
    }
    int status = 0;
    ::waitpid(first, &status, 0);
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == forbidden) {
    return std::nullopt;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

inline void TwoHosts::ip(Place place, const std::string& commands) {
  std::array<int, 2> pipe{};
  check(::pipe2(pipe.data(), O_CLOEXEC) == 0, "make a pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    enter(place);
    ::dup2(pipe[0], STDIN_FILENO);
    ::execl("/sbin/ip", "ip", "-batch", "-", nullptr);
    ::_exit(127);
  }
  ::close(pipe[0]);
  const auto written = ::write(pipe[1], commands.data(), commands.size());
  ::close(pipe[1]);
  int status = 0;
  ::waitpid(child, &status, 0);
  check(written > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0, "run ip: " + commands);
}

inline void TwoHosts::join_by_wire(int delay_us) {
  for (const auto& [end, place] : {std::pair{"zone-a", a}, std::pair{"core-a", b}}) {
    ip(between,
       fmt::format("link add {} type veth peer name eth0 netns {}\n", end, path_of(place)));
  }
  give_addresses();
  wire_ = ::fork();
  if (wire_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    enter(between);
    ::setenv("FAULTLINE_LAB_HOST", "wire", 1);
    const std::vector<std::string> args{"--links",    "zone-a=core-a",
                                        "--delay-us", std::to_string(delay_us),
                                        "--control",  control_.string()};
    ::_exit(wire_main(args));
  }
  while (!std::filesystem::exists(control_)) {
    check(::waitpid(wire_, nullptr, WNOHANG) == 0, "start the wire");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

inline void TwoHosts::part() {
  if (wire_ != 0) {
    ::kill(wire_, SIGTERM);
    ::waitpid(std::exchange(wire_, 0), nullptr, 0);
    std::filesystem::remove(control_);
  }
  for (const auto place : {a, b}) {
    enter(place);
    const bool there = ::if_nametoindex("eth0") != 0;
    enter(home);
    if (there) {
      ip(place, "link del eth0\n");
    }
  }
}

inline nlohmann::json TwoHosts::ask(const nlohmann::json& request) {
  const net::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, control_.c_str(), sizeof address.sun_path - 1);
  const void* raw = &address;
  check(::connect(fd.get(), static_cast<const sockaddr*>(raw), sizeof address) == 0,
        "reach the wire's control socket");
  const std::string line = request.dump() + '\n';
  check(::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL) > 0, "ask the wire");
  std::string answer;
  std::array<char, 4096> part{};
  for (ssize_t got = 1; got > 0;) {
    got = ::recv(fd.get(), part.data(), part.size(), 0);
    answer.append(part.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }
  return nlohmann::json::parse(answer);
}

}  // namespace faultline::wire
