#include "targets/lab/launch.hpp"
#include "targets/lab/spawn.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

namespace faultline::lab {
namespace {

namespace fs = std::filesystem;

constexpr Duration probe_limit =
    std::chrono::seconds(5);  // a probe takes 20 ms; a busy machine more
// The supervisor's 64 connections, each with a few descriptors in flight, and HAProxy's share.
constexpr rlim_t needed_descriptors = 1024;
constexpr std::size_t max_socket_path = sizeof(sockaddr_un::sun_path) - 1;
constexpr int largest_pid = 4194304;  // the kernel's limit: names the longest private home

Finding fine(std::string what, std::string found) {
  return {std::move(what), true, std::move(found), ""};
}

Finding missing(std::string what, std::string found, std::string remedy) {
  return {std::move(what), false, std::move(found), std::move(remedy)};
}

/// A kernel setting that forbids user namespaces when it has a certain value.
struct Switch {
  const char* name;
  const char* forbids;
  const char* remedy;
};
constexpr std::array switches{
    Switch{"kernel.apparmor_restrict_unprivileged_userns", "1",
           "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
    Switch{"kernel.unprivileged_userns_clone", "0",
           "sudo sysctl -w kernel.unprivileged_userns_clone=1"},
    Switch{"user.max_user_namespaces", "0", "sudo sysctl -w user.max_user_namespaces=15000"},
    Switch{"user.max_net_namespaces", "0", "sudo sysctl -w user.max_net_namespaces=15000"},
    Switch{"user.max_pid_namespaces", "0", "sudo sysctl -w user.max_pid_namespaces=15000"},
};

std::string kernel_setting(std::string name) {
  std::ranges::replace(name, '.', '/');
  std::ifstream file("/proc/sys/" + name);
  std::string value;
  file >> value;
  return value;
}

Finding forbidden_namespaces(const SpawnFailure& failure) {
  const std::string found = fmt::format(
      "{}: {}", failure.step == "clone" ? "unshare" : failure.step, std::strerror(failure.error));
  for (const auto& s : switches) {
    if (const std::string value = kernel_setting(s.name); value == s.forbids) {
      return missing("user namespaces", fmt::format("{} ({}={})", found, s.name, value), s.remedy);
    }
  }
  return missing("user namespaces", found,
                 "allow unprivileged user namespaces; in a container start it with "
                 "--security-opt seccomp=unconfined --security-opt apparmor=unconfined");
}

std::string read_all(const net::Fd& fd) {
  std::string text;
  std::array<char, 512> block{};
  for (ssize_t n = 0; (n = ::read(fd.get(), block.data(), block.size())) > 0;) {
    text.append(block.data(), static_cast<std::size_t>(n));
  }
  return text.substr(0, text.find('\n'));
}

/// What came of a program as the first process of new namespaces.
struct Attempt {
  std::optional<SpawnFailure> not_started;
  std::string complaint;  ///< its first line on standard error; empty when it succeeded
};

Attempt try_inside(std::vector<std::string> argv) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return {SpawnFailure{"clone", errno}, ""};
  }
  const net::Fd reading(pipe[0]);
  net::Fd writing(pipe[1]);
  Spawn spawn{std::move(argv), environment_with_sbin()};
  spawn.error = writing.get();
  spawn.die_with_parent = true;
  auto process = spawn_in_namespaces(spawn);
  writing.reset();
  if (!process) {
    return {process.error(), ""};
  }
  ProcessEnd ended;
  if (!wait_gone(*process, probe_limit, &ended)) {
    kill(*process, SIGKILL);
    wait_gone(*process, probe_limit);
    return {std::nullopt, fmt::format("no answer in {}", in_words(probe_limit))};
  }
  const bool succeeded = ended.code == 0 && ended.signal == 0;
  const std::string said = succeeded ? "" : read_all(reading);
  return {std::nullopt,
          succeeded || !said.empty() ? said : fmt::format("exit code {}", ended.code)};
}

Finding judge(std::string what, const Attempt& attempt, std::string works, std::string remedy) {
  if (attempt.not_started) {
    return forbidden_namespaces(*attempt.not_started);
  }
  return attempt.complaint.empty() ? fine(std::move(what), std::move(works))
                                   : missing(std::move(what), attempt.complaint, std::move(remedy));
}

void look_at_namespaces(std::vector<Finding>& findings) {
  findings.push_back(judge("user namespaces",
                           try_inside({"/bin/mount", "-t", "proc", "p", "/proc"}),
                           "user, mount, pid, network",
                           "the lab mounts a /proc of its own; in a container allow it with "
                           "--security-opt systempaths=unconfined"));
  const auto nft = find_program("nft");
  if (findings.back().ok && nft) {  // a missing nft is told among the programs
    findings.push_back(judge("nftables in a namespace",
                             try_inside({*nft, "add table inet faultline"}), "a table can be made",
                             "a kernel with nf_tables: sudo modprobe nf_tables"));
  }
}

void look_at_programs(std::vector<Finding>& findings, const fs::path& program) {
  constexpr std::array<std::array<const char*, 2>, 8> packages{
      {{"ip", "iproute2"},
       {"nft", "nftables"},
       {"ping", "iputils-ping"},
       {"mariadbd", "mariadb-server-core"},
       {"mariadb-install-db", "mariadb-server-core"},
       {"redis-server", "redis-server"},
       {"redis-sentinel", "redis-sentinel"},
       {"haproxy", "haproxy"}}};
  for (const auto& [name, package] : packages) {
    const auto path = find_program(name);
    findings.push_back(path ? fine(name, *path)
                            : missing(name, "not in PATH, /usr/sbin or /sbin",
                                      fmt::format("sudo apt-get install {}", package)));
  }
  const fs::path saas = program.parent_path() / "faultline-saas";
  findings.push_back(::access(saas.c_str(), X_OK) == 0
                         ? fine("faultline-saas", saas.string())
                         : missing("faultline-saas", fmt::format("not at {}", saas.string()),
                                   "scripts/build; both programs stay in one folder"));
}

Finding look_at_home(const fs::path& home) {
  const std::string remedy = fmt::format(
      "make {} writable and leave room on its disk, or set FAULTLINE_HOME", home.string());
  std::error_code failed;
  fs::create_directories(home, failed);
  if (failed) {
    return missing("home", fmt::format("{}: {}", home.string(), failed.message()), remedy);
  }
  const std::string probe = (home / ".probe-XXXXXX").string();
  std::string name = probe;
  const net::Fd file(::mkostemp(name.data(), O_CLOEXEC));
  const bool written = file && ::write(file.get(), "faultline\n", 10) == 10;
  const int error = errno;
  if (file) {
    ::unlink(name.c_str());
  }
  return written
             ? fine("home", home.string())
             : missing("home", fmt::format("{}: {}", home.string(), std::strerror(error)), remedy);
}

Finding look_at_socket_path(const fs::path& home) {
  const std::size_t bytes = socket_path(private_home(home, largest_pid)).native().size();
  return bytes <= max_socket_path
             ? fine("socket path", fmt::format("{} of {} bytes", bytes, max_socket_path))
             : missing("socket path",
                       fmt::format("{} bytes below {}, at most {} are possible", bytes,
                                   home.string(), max_socket_path),
                       "set FAULTLINE_HOME to a shorter path");
}

Finding look_at_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const std::string found = fmt::format("{} open files", limit.rlim_max);
  return limit.rlim_max >= needed_descriptors
             ? fine("descriptors", found)
             : missing("descriptors", fmt::format("{}, {} are needed", found, needed_descriptors),
                       "raise the hard limit: ulimit -Hn, or nofile in /etc/security/limits.conf");
}

}  // namespace

std::vector<Finding> doctor(const fs::path& home, const fs::path& program) {
  std::vector<Finding> findings;
  look_at_namespaces(findings);
  look_at_programs(findings, program);
  findings.push_back(look_at_home(home));
  findings.push_back(look_at_socket_path(home));
  findings.push_back(look_at_descriptors());
  return findings;
}

Result<> require(const std::vector<Finding>& findings) {
  std::vector<std::string> lacking;
  for (const auto& f : findings) {
    if (!f.ok) {
      lacking.push_back(fmt::format("{}: {}\n  remedy: {}", f.what, f.found, f.remedy));
    }
  }
  if (lacking.empty()) {
    return {};
  }
  return Error{ErrorKind::unsupported,
               fmt::format("this machine cannot run a lab\n{}", fmt::join(lacking, "\n"))};
}

}  // namespace faultline::lab
