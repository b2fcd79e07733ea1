#pragma once

#include "targets/error.hpp"
#include "targets/net/endpoint.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <span>
#include <string>

namespace faultline::services {

/// What became of the flows that were asked for.
struct FlowCount {
  int held = 0, failed = 0;
  /// Why the failed ones failed last: "no answer", "refused", "no local port", "no descriptor",
  /// "reset", "unreachable", "not tried in time", "closed by the peer", "error <number>".
  std::map<std::string, int> why;

  void add(const FlowCount& other);
  /// {"held": n, "failed": m}, with "why" when there is a reason to name.
  [[nodiscard]] std::string to_json() const;
  static Result<FlowCount> parse(const std::string& json);
};

/// Limits of the opening of connections.
struct FlowLimits {
  /// Attempts at once: more only fill the queue of the listener.
  int at_once = 512;
  /// An attempt sends its SYN at 0, 1 and 3 s; a fourth would come at 7 s.
  std::chrono::milliseconds attempt{4000};
  /// Every flow has been tried once by then, or counts as failed.
  std::chrono::milliseconds first_round{60'000};
  /// Between a failure of a flow and its next attempt.
  std::chrono::milliseconds pause{1000};
  /// Local ports to use, so many from `first_port` on, each for one flow at a time. 0: the kernel
  /// chooses, which has 28,232 by default and becomes slow (1 ms each) beyond half of them.
  int first_port = 0, ports = 0;
};

/// Holds `flows` idle connections to `to` in this process, as a client that never lets go: calls
/// `tried` once when each has been tried, then goes on for ever, opening what failed or was closed
/// again after a pause. Returns only on an error of this process itself.
Error hold_flows(const net::Endpoint& to, int flows, const FlowLimits& limits,
                 const std::function<void(const FlowCount&)>& tried);

/// `faultline-saas flows --to 198.51.100.10:8080 --flows 2048`: real TCP connections held idle, by
/// as many processes as the limit of open files asks for. Prints one line
///   {"held": n, "failed": m, "why": {"no answer": m}}
/// when each flow was tried, then holds them until it is killed; its processes end with it.
/// Exit codes: 2 usage, 1 not inside a lab or what the machine does not give.
int flows_main(std::span<const std::string> args);

}  // namespace faultline::services
