#pragma once

#include "orchestrator/engine/experiment.hpp"
#include "orchestrator/engine/residue.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace faultline::engine {

/// A fault that a journal holds open: intended, and not known to be gone.
struct OpenFault {
  std::string id, kind;
  std::vector<targets::Action> actions;  ///< in the order of application
};

/// What one run left open.
struct OpenRun {
  std::string run;
  Json target;                     ///< the identity of the environment it hit
  InvariantValues before;          ///< as they were before its first fault
  std::set<std::string> may_move;  ///< by any of its faults, those that are closed included
  std::vector<OpenFault> faults;   ///< in the order of injection
};

/// The runs with open faults in a journal's records. Pure. Error `io` for a whole record that is
/// not one of ours: it is never skipped, because it might be an undo.
Result<std::vector<OpenRun>> open_runs(const std::vector<Json>& records);

/// Reverts everything of a run, newest first, then compares with its end state, both within 30 s;
/// renews the epoch meanwhile. `done` gets the residue: empty when nothing is left.
void put_back(const OpenRun& run, targets::Target& target, targets::Epoch epoch, Clock& clock,
              std::function<void(std::vector<std::string> residue)> done);

}  // namespace faultline::engine
