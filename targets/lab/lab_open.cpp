#include "targets/catalog.hpp"
#include "targets/lab/lab_target.hpp"
#include "targets/lab/topology.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <fstream>
#include <sstream>

/// Finding or staging the lab of a home for a run.
namespace faultline::lab {
namespace {

namespace fs = std::filesystem;
using targets::Json;
using OpenedTarget = Result<std::unique_ptr<targets::Target>>;

constexpr std::string_view default_profile = "hardened";

std::string instance_of(const Json& status) {
  return status.at("up_since").dump();
}

/// When the process was started, in the kernel's ticks (field 22 in proc(5)); 0: it has ended.
std::uint64_t start_of(int pid) {
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(in, line);
  std::istringstream fields(line.substr(std::min(line.size(), line.rfind(')') + 1)));
  const auto skip = [&fields](int count) {
    for (std::string ignored; count > 0 && fields >> ignored; --count) {
    }
  };
  constexpr unsigned exiting = 0x4;  // PF_EXITING: it has many processes to end before itself
  unsigned flags = exiting;
  std::uint64_t ticks = 0;
  skip(6);  // from its state, field 3
  fields >> flags;
  skip(12);
  fields >> ticks;
  return (flags & exiting) != 0 ? 0 : ticks;
}

OpenedTarget attach(const boost::asio::any_io_executor& executor, const fs::path& home,
                    const Json& status, std::unique_ptr<PrivateLab> private_lab) {
  auto connection = Connection::open(executor, home);
  if (!connection) {
    return connection.error();
  }
  const int pid = status.at("pid");
  return std::unique_ptr<targets::Target>(std::make_unique<LabTarget>(
      std::move(*connection), LabTarget::Identity{home, instance_of(status), pid, start_of(pid)},
      std::move(private_lab)));
}

bool is_alive(int pid) {
  return ::kill(pid, 0) == 0 || errno == EPERM;
}

/// Private labs end with their process, and by itself it removes its home, unless it was killed.
void sweep_private_homes(const fs::path& home) {
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(home / "private", failed)) {
    const std::string name = entry.path().filename().string();
    int pid = 0;
    std::from_chars(name.data(), name.data() + name.size(), pid);
    if (pid > 0 && !is_alive(pid)) {
      fs::remove_all(entry.path(), failed);
    }
  }
}

OpenedTarget stage_private(boost::asio::io_context& io, const targets::OpenOptions& options) {
  sweep_private_homes(options.home);
  const fs::path home = private_home(options.home, ::getpid());
  LaunchOptions launching;
  launching.home = home;
  launching.cache = options.cache;
  launching.profile = options.profile.empty() ? default_profile : options.profile;
  launching.private_lab = true;
  launching.progress = options.progress;
  auto launched = launch(launching);
  if (!launched) {
    return launched.error();
  }
  auto private_lab = std::make_unique<PrivateLab>(std::move(*launched), home);
  const auto status = ask(home, "status");
  return status ? attach(io.get_executor(), home, *status, std::move(private_lab))
                : OpenedTarget(status.error());
}

}  // namespace

OpenedTarget open_lab(boost::asio::io_context& io, const targets::OpenOptions& options) {
  if (!options.profile.empty()) {
    if (const auto known = profile(options.profile); !known) {
      return known.error();
    }
  }
  const auto status = ask(options.home, "status");
  if (!status) {
    const bool stage = options.stage && status.error().kind == ErrorKind::not_found;
    return stage ? stage_private(io, options) : OpenedTarget(status.error());
  }
  const auto is = status->at("profile").get<std::string>();
  if (!options.profile.empty() && options.profile != is) {
    return Error{ErrorKind::usage,
                 fmt::format("the lab that is up has profile '{}', '{}' is asked for; say "
                             "'faultline lab down' first",
                             is, options.profile)};
  }
  return attach(io.get_executor(), options.home, *status, nullptr);
}

OpenedTarget reach_lab(const boost::asio::any_io_executor& executor, const Json& identity) {
  const fs::path home = identity.at("home").get<std::string>();
  const auto instance = identity.at("instance").get<std::string>();
  const auto status = ask(home, "status");
  const int supervisor = identity.value("supervisor", 0);
  const auto started = identity.value("supervisor_started", std::uint64_t{0});
  if (!status && started != 0 && start_of(supervisor) == started) {
    return Error{
        ErrorKind::io,
        fmt::format("the lab of {} cannot be reached, but its supervisor, pid {}, lives: {}; "
                    "`kill {}` ends it, and everything in it",
                    home.string(), supervisor, status.error().message, supervisor)};
  }
  if (!status) {
    return status.error();
  }
  if (instance_of(*status) != instance) {
    return Error{ErrorKind::not_found,
                 fmt::format("the lab of {} was taken down; another is up", home.string())};
  }
  return attach(executor, home, *status, nullptr);
}

}  // namespace faultline::lab
