#pragma once

#include "targets/error.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace faultline::lab {

struct LaunchOptions {
  std::filesystem::path home, cache;
  std::string profile;
  bool private_lab = false;  ///< ends with this process; else a daemon in a session of its own
  std::function<void(std::string)> progress;
};

/// Starts a supervisor in new namespaces and returns when every component is healthy, within 30 s.
/// Error `refused` when the home's lab is up already; `unsupported` in doctor's words when the
/// machine lacks something; `timeout` names what was not healthy.
Result<> launch(const LaunchOptions& options);

std::filesystem::path socket_path(const std::filesystem::path& home);
std::filesystem::path log_folder(const std::filesystem::path& home);

/// One thing a machine needs. `remedy` is what a person types or changes.
struct Finding {
  std::string what;  ///< "user namespaces"
  bool ok = false;
  std::string found;   ///< "unshare: Operation not permitted (kernel.apparmor_restrict_unprivileged_userns=1)"
  std::string remedy;
};
std::vector<Finding> doctor(const std::filesystem::path& home);

}  // namespace faultline::lab
