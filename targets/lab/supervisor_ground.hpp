#pragma once

#include "targets/error.hpp"
#include "targets/lab/supervisor.hpp"
#include "targets/net/fd.hpp"

namespace faultline::lab {

/// What the supervisor takes from outside before its mounts cover it, and stands on afterwards.
struct Ground {
  net::Fd listener;   ///< bound to <home>/lab/control.sock
  net::Fd logs;       ///< the folder <home>/lab/logs
  int outer_pid = 0;  ///< the supervisor's pid as the home's owner sees it
};

/// Binds the socket, opens the logs, then covers /proc and /run with the lab's own.
Result<Ground> prepare_ground(const SupervisorOptions& options);

}  // namespace faultline::lab
