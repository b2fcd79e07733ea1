#pragma once

#include "orchestrator/engine/residue.hpp"
#include "orchestrator/engine/timeline.hpp"
#include "orchestrator/store/journal.hpp"

#include <functional>
#include <string>
#include <vector>

namespace faultline::engine {

using Json = nlohmann::json;

/// A fault that a journal holds open: intended, and not known to be gone.
struct OpenFault {
  std::string id, kind;
  std::vector<targets::Action> actions;  ///< in the order of application
  std::vector<std::string> resources;    ///< "zone a", "cache sessions"
};

/// What one run left open.
struct OpenRun {
  std::string run;
  Json target;                     ///< the identity of the environment it hit
  targets::Epoch epoch = 0;        ///< in which it did so
  InvariantValues before;          ///< as they were before its first fault
  std::set<std::string> may_move;  ///< by any of its faults, those that are closed included
  std::vector<OpenFault> faults;   ///< in the order of injection
  /// Stands for what its journal has lost, as one fault without actions: whatever its environment
  /// has in force is put back, by the environment's own knowledge of it.
  bool damaged = false;
};

/// The runs with open faults in a journal's records. Pure. Error `io` for a whole record that is
/// not one of ours: it is never skipped, because it might be an undo.
Result<std::vector<OpenRun>> open_runs(const std::vector<Json>& records);

/// What a recovery works with; outlives it.
struct RecoveryPorts {
  Clock& clock;
  store::Journal& journal;  ///< of whoever recovers: what it undoes is recorded there
  /// As `targets::TargetKind::reach`.
  std::function<Result<std::unique_ptr<targets::Target>>(const Json& identity)> reach;
  std::string who;          ///< "guard, pid 12": to the environment, and in the journal
  Timeline::Sink on_event;  ///< each undo, as in a run; may be empty
};

/// How a recovery ended.
struct Recovery {
  std::string how;                   ///< "reverted, nothing left"
  std::vector<std::string> residue;  ///< what is still different, or why nothing could be done
  [[nodiscard]] bool complete() const { return residue.empty(); }
};

/// Puts back what a run left open, as its own faults would have: replaces its owner, reverts, looks
/// for residue, records that it is closed. An environment that is gone holds nothing; one that was
/// hit by a damaged run must have nothing in force and be healthy. `done` is called once, not from
/// inside this call.
void recover(OpenRun run, const RecoveryPorts& ports, std::function<void(Recovery)> done);

}  // namespace faultline::engine
