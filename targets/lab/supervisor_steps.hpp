#pragma once

#include "targets/lab/topology.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What components say in their logs of noticing and answering a failure, as values: no I/O.
namespace faultline::lab {

/// One step of a recovery, as the notice `recovery_step` of targets/target.hpp has it.
struct LoggedStep {
  std::string of;         ///< "sessions", "orders", "app"
  std::string step;       ///< "detected", "decided", "done"
  std::string component;  ///< that failed, was chosen, or has the role now
  bool operator==(const LoggedStep&) const = default;
};

/// Whether the component's log tells of steps: Sentinels, the database's manager, a balancer that
/// checks, nodes that watch their metadata.
bool tells_steps(const Profile& profile, const Process& process);

/// What a line of its log says; mostly nothing. A check that marks a server down also decides that
/// it is sent nothing more, so that is two steps.
std::vector<LoggedStep> steps_in(const Topology& topology, const Process& process,
                                 std::string_view line);

/// When a line was written, by the time at its head, which all of them have to the millisecond.
/// `now` and `wall` are the same moment, after it. None when the line has no time, or one that is
/// more than 5 s old: lines are read within a fraction of that, so the wall clock has been set.
std::optional<Instant> written_at(std::string_view line, Instant now,
                                  std::chrono::system_clock::time_point wall);

}  // namespace faultline::lab
