#pragma once

#include "orchestrator/cli/command.hpp"
#include "targets/lab/topology.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// The subcommands of `faultline lab`: each returns the exit code. None of them needs the
/// environment to itself, and none recovers anything.
namespace faultline::cli {

int lab_status(const Context& context, bool as_json);

/// Runs a program at a host, with this process's standard streams; its exit code, or 128 + signal.
int lab_exec(const Context& context, const std::string& host, const std::vector<std::string>& argv);

/// Prints the logs of a component, or of all at a host, or of a part such as "supervisor".
int lab_logs(const Context& context, const std::string& name, bool follow);

/// Listens on 127.0.0.1 and carries connections to `place` ("alb:80") until interrupted.
/// `listen` 0: any free port.
int lab_forward(const Context& context, const std::string& place, std::uint16_t listen);

/// Error `usage` with the nearest name when the topology has no such host.
Result<lab::Host> find_host(const lab::Topology& topology, const std::string& name);

}  // namespace faultline::cli
