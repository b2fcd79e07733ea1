#pragma once

#include "orchestrator/load/fields.hpp"
#include "orchestrator/slo/schedule.hpp"
#include "targets/clock.hpp"

namespace faultline::load {

/// What one worker does: the first line of its input, see worker.hpp.
struct Spec {
  std::string probe, kind;
  slo::Rate rate;
  slo::Spacing spacing = slo::Spacing::even;
  std::uint64_t users = 0;         ///< above 0: a closed loop of so many, without a rate
  Duration think{};                ///< how long each of them waits after an answer
  std::optional<Duration> length;  ///< nothing is due after it; none: until it is told to finish
  Duration deadline{};             ///< a request is given up so long after it was due
  Duration threshold{};            ///< an answer later than that is bad; at most the deadline
  std::uint64_t seed = 1;
  std::uint64_t index = 0, workers = 1;  ///< which share of the load is this worker's
  std::optional<Instant> start_at;       ///< so that workers which share a load begin together
  bool by_second = false;                ///< counts and histograms instead of samples
  Duration wake_every{};  ///< above 0: looks up only so often, to compare the cost of doing so
  std::vector<std::string> allow;  ///< addresses it may send to besides loopback and a lab's
  Json args;                       ///< by kind
};

Result<Spec> parse_spec(std::string_view line);

/// Begins errors about a spec's args.
std::string where(const Spec& spec);

}  // namespace faultline::load
