#pragma once

#include <filesystem>
#include <string>

namespace faultline::lab {

/// How `launch` starts the supervisor: as pid 1 of fresh user, pid, mount and network namespaces,
/// with its uid mapped to 0, by exec of `faultline supervise ...`, to be killed when its starter
/// dies; a daemon undoes that once it is ready.
struct SupervisorOptions {
  std::filesystem::path home;      ///< its socket is <home>/lab/control.sock, logs <home>/lab/logs/
  std::filesystem::path programs;  ///< the folder of faultline and faultline-saas
  std::filesystem::path cache;     ///< for what is made once, such as the database's template
  std::string profile;
  int snat_ports = 0;  ///< per EIP; 0: the profile's own
  /// Told in JSON lines: {"progress": "network"}, then {"ready": true} or {"error": "..."}.
  int ready_fd = -1;
  int lifeline_fd = -1;  ///< a private lab ends when this pipe closes; -1: a daemon
};

/// Runs until `down`, the lifeline's end, SIGTERM or death. Returns the exit code. Everything else
/// in the namespaces dies with it, because it is their pid 1.
int supervisor_main(const SupervisorOptions& options);

}  // namespace faultline::lab
