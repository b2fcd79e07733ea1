#pragma once

#include "targets/error.hpp"
#include "targets/net/endpoint.hpp"

#include <functional>
#include <sys/types.h>
#include <vector>

namespace faultline::services {

/// Error `refused` when packets for `to` must not leave from here: everything but loopback needs to
/// be inside a lab.
Result<> may_exchange_with(const net::Endpoint& to);

/// Raises the limit of open files as far as it may be, and returns how many connections one process
/// can have besides what it needs for itself.
int raise_connection_limit();

/// Child processes that live and die with this one: in its process group, and killed by the kernel
/// when it ends, however it ends. To be used by a process without threads.
class Family {
 public:
  /// Runs `body` in a new process, which ends with its exit code. Error `io`.
  Result<> add(const std::function<int()>& body);
  /// Blocks until a member ends and returns its exit code, or 1 when a signal ended it; other
  /// members go on.
  [[nodiscard]] int wait_for_one();

 private:
  std::vector<pid_t> members_;
};

}  // namespace faultline::services
