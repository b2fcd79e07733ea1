#pragma once

#include "orchestrator/engine/environment.hpp"
#include "tests/simulation/load.hpp"

#include <list>

namespace faultline::simulation {

/// What a run with load and objectives is to find.
struct Measured {
  double good_percent = 97;  ///< after the first fault, for so long
  Duration over{};
  Duration back_within{};  ///< the writer is served again
  bool stop_condition = false;
  Trouble trouble;
};

/// The simulated environment; without probes and objectives when nothing is measured.
engine::Environment environment(const std::optional<Measured>& measured);
/// What the method asks for before its first fault, and after it.
void watch(engine::Stage& stage, const Measured& measured);
void expect(engine::Stage& stage, const Measured& measured, engine::FaultId first);

/// What a run that passed or failed says of its users, and they do not: by the record's objectives,
/// its windows counted from `begun`. Empty: all of it is true.
std::vector<std::string> belied(const engine::Json& record, Instant begun,
                                const std::list<Traffic>& traffic);

}  // namespace faultline::simulation
