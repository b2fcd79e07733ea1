#pragma once

#include "targets/clock.hpp"
#include "targets/error.hpp"
#include "targets/net/fd.hpp"

#include <optional>
#include <string>
#include <vector>

namespace faultline::lab {

/// The first process of new user, mount, pid and network namespaces.
struct Spawn {
  std::vector<std::string> argv;            ///< absolute program first
  std::vector<std::string> env;             ///< "NAME=value"
  int input = -1, output = -1, error = -1;  ///< -1: /dev/null
  std::vector<int> inherited;               ///< descriptors that stay open, under their numbers
  bool die_with_parent = false;             ///< killed when the spawning thread ends
};

/// Where a spawn failed. EPERM in `step` "clone" or "uid_map" means that user namespaces are
/// forbidden.
struct SpawnFailure {
  std::string step;  ///< clone, setgroups, uid_map, gid_map, exec
  int error = 0;     ///< errno
};

/// Returns a pidfd of the process once its program runs. The caller's uid and gid are 0 inside. The
/// process leads a session of its own, with no signal blocked.
boost::system::result<net::Fd, SpawnFailure> spawn_in_namespaces(const Spawn& spawn);

/// How a process ended; `signal` is 0 when it exited.
struct ProcessEnd {
  int code = 0;
  int signal = 0;
};

/// Waits until the process is gone and reaps it if it is a child of this one; false after `limit`.
bool wait_gone(const net::Fd& process, Duration limit, ProcessEnd* ended = nullptr);
void kill(const net::Fd& process, int signal);

/// The environment of this process with /usr/sbin and /sbin in PATH, where servers are.
std::vector<std::string> environment_with_sbin();
/// An executable by name in PATH, /usr/sbin and /sbin.
std::optional<std::string> find_program(const std::string& name);

}  // namespace faultline::lab
