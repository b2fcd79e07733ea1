#pragma once

#include "tests/simulation/measured.hpp"
#include "tests/simulation/programs.hpp"

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

/// The fault alone, held for a second.
std::vector<Step> alone(const Requested& fault);

/// What happens to the programs, or in the world.
struct Mishap {
  enum class Kind {
    none,
    kill,
    hang,
    abort,           ///< somebody asks for it
    stop_file,       ///< somebody puts one into the home
    clock_set,       ///< by an hour
    component_dies,  ///< of its own
    lifted,          ///< somebody undoes what is in force
  } kind = Kind::none;
  std::optional<std::size_t> at_step;  ///< of those that change something; else `at`
  Duration at{};
  Duration hangs_for{};
  bool guard_dies_too = false;
};
std::string_view to_string(Mishap::Kind kind);

/// Another orchestrator, from another home, on the same environment: one fault for a second.
struct Rival {
  Duration at{};
  Duration waits{};  ///< for the environment to be free
  Requested fault;
};

/// One run of the programs from beginning to end, and what must hold of it.
struct Script {
  std::uint64_t seed = 0;
  Weather weather;
  int disk_fails_percent = 0;
  std::vector<Step> steps;
  std::optional<Measured> measured;
  Mishap mishap;
  std::optional<Rival> rival;
  RecoveredBy recovered_by = RecoveredBy::guard;
};
/// Random, and the same for the same seed.
Script random_script(std::uint64_t seed);

/// Its steps as a method; a fault that the ledger refuses ends it, as in any script. Refers to it.
engine::Experiment experiment(const Script& script);

struct Outcome {
  std::vector<std::string> broken;  ///< what did not hold; empty: all well
  std::size_t steps = 0;            ///< that change something: where a process may be killed
  std::string last_step;            ///< the one at which the mishap happened
  std::vector<std::string> ends;    ///< how each run ended: "passed, measured", "rival refused"
};
/// `told` hears every event; it may be none.
Outcome play(const Script& script, const Told& told = {});

}  // namespace faultline::simulation
