#pragma once

#include "targets/clock.hpp"
#include "targets/error.hpp"
#include "targets/net/fd.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

/// Starting and ending a lab from outside, and what a machine needs for it.
namespace faultline::lab {

struct LaunchOptions {
  std::filesystem::path home, cache;
  std::string profile;
  int snat_ports = 0;        ///< per EIP; 0: the profile's own
  bool private_lab = false;  ///< ends with this process; else a daemon in a session of its own
  std::function<void(std::string)> progress;
  std::filesystem::path
      program;  ///< what is started as `PROGRAM supervise ...`; empty: this program
  /// DESIGN: cold in 10 s; three times that on a machine that is busy.
  Duration limit = std::chrono::seconds(30);
};

/// The first process of a lab, as its starter holds it.
struct Launched {
  net::Fd process;   ///< pidfd: readable when the process, and so everything in the lab, is gone
  net::Fd lifeline;  ///< of a private lab, which ends when this is closed; else none
};

/// Starts a supervisor in new namespaces and returns when every component is healthy, within
/// `limit`; on an error everything is gone again, the logs excepted. Error `refused` when the
/// home's lab is up already; `unsupported` in doctor's words when the machine lacks something;
/// `timeout` names what was not healthy. A private lab also dies with the calling thread.
Result<Launched> launch(const LaunchOptions& options);

/// Ends a private lab and returns when it is gone and reaped.
void end(Launched lab);

/// Ends the lab of a home and returns when all of it is gone: its processes and its socket.
/// Error `not_found` when none is up. A supervisor that does not answer is killed.
Result<> shut_down(const std::filesystem::path& home);

/// "no lab is up for HOME; start one with 'faultline lab up'".
Error no_lab(const std::filesystem::path& home);

/// Whether a supervisor listens at the home's socket.
bool is_up(const std::filesystem::path& home);

std::filesystem::path socket_path(const std::filesystem::path& home);
std::filesystem::path log_folder(const std::filesystem::path& home);
/// Where `home` keeps the private lab of process `pid`.
std::filesystem::path private_home(const std::filesystem::path& home, int pid);
/// The file that this process runs, symbolic links resolved.
std::filesystem::path own_program();

/// One thing a machine needs. `remedy` is what a person types or changes.
struct Finding {
  std::string what;  ///< "user namespaces"
  bool ok = false;
  std::string found;  ///< "unshare: Operation not permitted
                      ///< (kernel.apparmor_restrict_unprivileged_userns=1)"
  std::string remedy;
};
/// `program`: beside it `faultline-saas` is expected.
std::vector<Finding> doctor(const std::filesystem::path& home,
                            const std::filesystem::path& program = own_program());

/// Everything that is not ok as one error `unsupported`, in the same words; else success.
Result<> require(const std::vector<Finding>& findings);

}  // namespace faultline::lab
