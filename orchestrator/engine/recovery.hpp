#pragma once

#include "orchestrator/engine/experiment.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace faultline::engine {

/// A fault that a journal holds open: intended, and not known to be gone.
struct OpenFault {
  std::string id, kind, run;
  Json target;                                ///< the identity of the environment it hit
  std::vector<targets::Action> actions;       ///< in the order of application
  std::map<std::string, std::string> before;  ///< invariants before the run
  std::vector<std::string> may_move;
  std::vector<std::string> resources;
};

/// The open faults of a journal's records. Pure.
Result<std::vector<OpenFault>> open_faults(const std::vector<Json>& records);

/// Reverts everything of one fault, newest first, then compares with its end state, within 30 s.
/// `done` gets the residue: empty when nothing is left.
void put_back(const OpenFault& fault, targets::Target& target, targets::Epoch epoch, Clock& clock,
              std::function<void(std::vector<std::string> residue)> done);

}  // namespace faultline::engine
