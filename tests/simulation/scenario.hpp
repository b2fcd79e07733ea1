#pragma once

#include "tests/simulation/programs.hpp"

#include <list>

namespace faultline::simulation {

/// Who puts things back after a crash.
enum class RecoveredBy { guard, next_start, deadline };
std::string_view to_string(RecoveredBy by);

/// A fault that is valid in the simulated world.
struct Requested {
  std::string fault;
  engine::Json params;
};
/// Every fault in every mode.
std::vector<Requested> every_mode();

/// What the method does, one thing after the other.
struct Step {
  enum class Kind { inject, wait, revert } kind;
  std::vector<Requested> faults;  ///< together
  Duration wait{};
  std::size_t revert = 0;  ///< by number of injection
};

/// What happens to the programs.
struct Mishap {
  enum class Kind { none, kill, hang, abort } kind = Kind::none;
  std::optional<std::size_t> at_step;  ///< of those that change something; else `at`
  Duration at{};
  Duration hangs_for{};
  bool guard_dies_too = false;
};

/// One run of the programs from beginning to end, and what must hold of it.
struct Script {
  std::uint64_t seed = 0;
  Weather weather;
  int disk_fails_percent = 0;
  std::vector<Step> steps;
  Mishap mishap;
  RecoveredBy recovered_by = RecoveredBy::guard;
};
/// Random, and the same for the same seed.
Script random_script(std::uint64_t seed);

struct Outcome {
  std::vector<std::string> broken;  ///< what did not hold; empty: all well
  std::size_t steps = 0;            ///< that change something: where a process may be killed
  std::string last_step;            ///< the one at which it was killed
};
/// `told` hears every event; it may be none.
Outcome play(const Script& script, const Told& told = {});

}  // namespace faultline::simulation
