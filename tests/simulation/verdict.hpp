#pragma once

#include "orchestrator/engine/run.hpp"
#include "tests/simulation/measured.hpp"

namespace faultline::simulation {

/// What is known of a run besides its record.
struct Truth {
  Instant begun;                   ///< what its offsets count from
  bool measured = false;           ///< with load
  std::set<std::string> in_force;  ///< every action of it that ever was
  std::string asked_to_stop;       ///< the reason that was given; empty: nobody asked
  std::string spoiled;             ///< what took the proof away; empty: nothing did
  const std::list<Traffic>& traffic;
};

/// Where a run that came to its own end does not say what happened. Empty: it does.
std::vector<std::string> contradictions(const engine::RunResult& result, const Truth& truth);

}  // namespace faultline::simulation
