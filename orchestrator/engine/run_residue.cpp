#include "orchestrator/engine/residue.hpp"
#include "orchestrator/engine/run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

/// What is left when a fault is undone: the end state compared with the state before.
namespace faultline::engine {
namespace {
constexpr Duration change_limit = std::chrono::seconds(10);  // a replica connects again in 1 to 3
}  // namespace

bool Run::any_in_force() const {
  return std::ranges::any_of(faults_, [](const auto& f) { return f->life().in_force(); });
}

bool Run::all_closed() const {
  return std::ranges::all_of(faults_, [](const auto& f) {
    const auto state = f->life().state();
    return state == FaultLife::State::closed || state == FaultLife::State::refused;
  });
}

void Run::compare(const std::function<void(FaultLife::Compared)>& done) {
  if (any_in_force()) {
    return done({.waiting = true, .differences = {}});
  }
  using Answer = Result<std::vector<targets::Invariant>>;
  in_.target.invariants([this, done, alive = std::weak_ptr(alive_)](const Answer& answer) {
    if (alive.expired()) {
      return;
    }
    if (any_in_force()) {  // injected while the answer was on its way
      return done({.waiting = true, .differences = {}});
    }
    if (!answer && answer.error().kind == ErrorKind::not_found) {
      return done({.waiting = false, .differences = {}});  // it is gone, and everything done to it
    }
    if (!answer) {
      return done({.waiting = false, .differences = {answer.error().message}});
    }
    std::set<std::string> may_move;
    for (const auto& fault : faults_) {
      may_move.insert(fault->plan().may_move.begin(), fault->plan().may_move.end());
    }
    const auto now = values_of(*answer);
    auto found = differences(before_, now, may_move);
    if (found.empty()) {
      note_lasting_changes(now);
    }
    done({.waiting = false, .differences = std::move(found)});
  });
}

void Run::note_lasting_changes(const InvariantValues& now) {
  for (const auto& fault : faults_) {
    std::vector<std::string> changes;
    for (const auto& name : fault->plan().may_move) {
      const auto was = before_.find(name);
      const auto is = now.find(name);
      if (was != before_.end() && is != now.end() && was->second != is->second) {
        changes.push_back(fmt::format("{}: {} -> {}", name, was->second, is->second));
      }
    }
    fault->set_lasting_changes(std::move(changes));
  }
}

/// A change during a baseline spoils it. Without one nothing was measured yet, so it is waited for.
void Run::require_unchanged() {
  const auto until = in_.clock.now() + (in_.measure ? Duration::zero() : change_limit);
  for (;;) {
    std::optional<Result<std::vector<targets::Invariant>>> answer;
    in_.target.invariants([&](Result<std::vector<targets::Invariant>> invariants) {
      answer = std::move(invariants);
      changed();
    });
    fiber_->wait(
        [&] { return answer.has_value(); });  // not interruptible: it answers into this frame
    const auto found = *answer ? differences(before_, values_of(**answer), {})
                               : std::vector{answer->error().message};
    if (found.empty()) {
      return;
    }
    if (in_.clock.now() >= until) {
      give_up(fmt::format("the environment changed before anything was injected: {}",
                          fmt::join(found, "; ")));
    }
    wait(FaultLife::compare_pause);
  }
}

}  // namespace faultline::engine
