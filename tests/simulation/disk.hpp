#pragma once

#include "orchestrator/engine/recovery.hpp"
#include "orchestrator/store/journal.hpp"
#include "tests/fake/simulated_disk.hpp"
#include "tests/simulation/world.hpp"

namespace faultline::simulation {

/// What survives of a run: its orchestrator's journal, and what whoever recovers it wrote.
struct Platters {
  fake::SimulatedDisk::Platter own = std::make_shared<std::string>();
  fake::SimulatedDisk::Platter undo = std::make_shared<std::string>();
};

/// As recovery reads the two segments. Failure: a journal that cannot be read.
std::vector<engine::OpenRun> open_runs(const Platters& platters);
/// The ids of the actions that are intended on the platter, closed ones included.
std::set<std::string> intended_actions(const fake::SimulatedDisk::Platter& platter);

/// A process' journal: the real one on a simulated disk. When the process is killed any part of
/// what was being written may be there, and whoever waits in the dark hears of an error.
class SimJournal : public store::Journal {
 public:
  SimJournal(World& world, Process& process, fake::SimulatedDisk::Platter platter,
             int disk_fails_percent);

  void append(store::Json record, std::function<void(Result<>)> done) override;
  /// Its process is killed.
  void crash();

 private:
  using Waiting = std::shared_ptr<std::function<void(Result<>)>>;
  World& world_;
  Process& process_;
  fake::SimulatedDisk* disk_ = nullptr;  // the journal's
  std::unique_ptr<store::FileJournal> journal_;
  std::vector<Waiting> waiting_;
};

}  // namespace faultline::simulation
