#pragma once

#include "faults/fault.hpp"
#include "orchestrator/engine/experiment.hpp"
#include "orchestrator/engine/fault_life.hpp"
#include "orchestrator/engine/ledger.hpp"
#include "orchestrator/engine/residue.hpp"
#include "orchestrator/engine/timeline.hpp"
#include "orchestrator/store/journal.hpp"

#include <memory>

namespace faultline::engine {

/// What a fault of a run works with; outlives its faults.
struct FaultPorts {
  targets::Target& target;
  store::Journal& journal;
  Ledger& ledger;
  Clock& clock;
  Timeline& timeline;
  targets::Epoch epoch = 0;
  /// Run and target: goes into every record, so that whichever can be read names the environment.
  Json journal_context = Json::object();
  InvariantValues before = {};          ///< goes into `intended`
  std::set<std::string> may_move = {};  ///< by the faults so far: goes there too
  std::string by = {};                  ///< who recovers; empty: the run itself
  /// Whether somebody would put everything back if this process died now. May be none: nobody.
  std::function<bool()> guarded = {};
  std::function<void()> changed;  ///< after every step
  std::function<void(std::function<void(FaultLife::Compared)>)> compare;
};

/// Carries out what FaultLife decides.
class FaultRunner : public std::enable_shared_from_this<FaultRunner> {
 public:
  FaultRunner(FaultPorts& ports, std::string id, std::string fault, Json params, faults::Plan plan,
              targets::World world);
  void begin() { feed(FaultLife::Begin{}); }
  /// Reverts what another process began; the plan needs its actions only.
  void resume() { feed(FaultLife::Resume{}); }
  /// `at_once`: without waiting for what the fault goes on to do by itself.
  void end(const std::string& reason, bool at_once = false) {
    feed(FaultLife::End{reason, at_once});
  }
  /// Ends it at once, and it is over when the undos are answered.
  void leave() { feed(FaultLife::Leave{}); }

  [[nodiscard]] const FaultLife& life() const { return life_; }
  [[nodiscard]] const faults::Plan& plan() const { return plan_; }
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::string summary() const;
  /// t0: the first byte of the first apply. None before it.
  [[nodiscard]] std::optional<Instant> applied_at() const { return applied_at_; }
  [[nodiscard]] std::optional<Instant> effective_at() const { return effective_at_; }
  [[nodiscard]] std::optional<Instant> reverted_at() const { return reverted_at_; }
  void set_lasting_changes(std::vector<std::string> changes) { lasting_ = std::move(changes); }
  [[nodiscard]] Json record() const;

 private:
  void feed(FaultLife::Event event);
  void tell_transition(FaultLife::State before);
  void run(const FaultLife::Claim& command);
  void run(const FaultLife::Record& command);
  void run(const FaultLife::Arm& command);
  void run(const FaultLife::Look& command);
  void run(const FaultLife::Apply& command);
  void run(const FaultLife::Prove& command);
  void run(const FaultLife::Complete& command);
  void run(const FaultLife::Revert& command);
  void run(const FaultLife::Compare& command);
  void run(const FaultLife::Release& command);
  void run(const FaultLife::Wake& command);
  using Answered = std::function<void(bool all_hold, std::string evidence)>;
  void ask(const std::vector<targets::Check>& checks, std::size_t from, const std::string& evidence,
           const Answered& answered);
  [[nodiscard]] Json effect_record() const;

  FaultPorts& ports_;
  std::string id_, fault_;
  Json params_;
  faults::Plan plan_;
  targets::World world_;
  FaultLife life_;
  std::vector<std::string> outcomes_;
  std::vector<std::string> lasting_;
  std::optional<Instant> intended_at_, applied_at_, effective_at_, reverting_at_, reverted_at_;
  std::map<int, std::unique_ptr<Timer>> wakes_;
  int next_wake_ = 0;
};

}  // namespace faultline::engine
