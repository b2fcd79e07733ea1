#include "orchestrator/engine/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

/// What is left when a fault is undone: the end state compared with the state before.
namespace faultline::engine {

void Run::compare(const std::function<void(FaultLife::Compared)>& done) {
  if (std::ranges::any_of(faults_, [](const auto& f) { return f->life().in_force(); })) {
    return done({.waiting = true, .differences = {}});
  }
  in_.target.invariants([this, done](const Result<std::vector<targets::Invariant>>& now) {
    if (!now) {
      return done({.waiting = false, .differences = {now.error().message}});
    }
    auto found = differences(*now);
    if (found.empty()) {
      note_lasting_changes(*now);
    }
    done({.waiting = false, .differences = std::move(found)});
  });
}

std::vector<std::string> Run::differences(const std::vector<targets::Invariant>& now) const {
  std::set<std::string> may_move;
  for (const auto& fault : faults_) {
    may_move.insert(fault->plan().may_move.begin(), fault->plan().may_move.end());
  }
  std::vector<std::string> found;
  for (const auto& was : before_) {
    const auto is = std::ranges::find(now, was.name, &targets::Invariant::name);
    const std::string value = is == now.end() ? "gone" : is->value;
    if (value != was.value && !may_move.contains(was.name)) {
      found.push_back(fmt::format("{}: was {}, is {}", was.name, was.value, value));
    }
  }
  for (const auto& is : now) {
    if (std::ranges::find(before_, is.name, &targets::Invariant::name) == before_.end()) {
      found.push_back(fmt::format("{}: was not there, is {}", is.name, is.value));
    }
  }
  return found;
}

void Run::note_lasting_changes(const std::vector<targets::Invariant>& now) {
  for (const auto& fault : faults_) {
    std::vector<std::string> changes;
    for (const auto& name : fault->plan().may_move) {
      const auto was = std::ranges::find(before_, name, &targets::Invariant::name);
      const auto is = std::ranges::find(now, name, &targets::Invariant::name);
      if (was != before_.end() && is != now.end() && was->value != is->value) {
        changes.push_back(fmt::format("{}: {} -> {}", name, was->value, is->value));
      }
    }
    fault->set_lasting_changes(std::move(changes));
  }
}

}  // namespace faultline::engine
