#pragma once

#include "tests/simulation/disk.hpp"

namespace faultline::simulation {

/// Looks on while runs go on in a world, and tells what must not happen at any moment.
class Watch {
 public:
  /// `most_faults`: the guardrail of the environment.
  Watch(World& world, std::size_t most_faults, std::function<void(const std::string&)> broken);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// That run keeps its journal there.
  void add(const std::string& run, fake::SimulatedDisk::Platter journal) {
    journals_[run] = std::move(journal);
  }
  /// Nothing of that run may be in force any more at that moment, nor come into force later.
  void forbid(const std::string& run, Instant from, const std::string& why);
  /// While that is so, nobody else may take the lock.
  std::function<bool()> is_owned = [] { return false; };

  /// Every action of that run that ever was in force.
  [[nodiscard]] const std::set<std::string>& ever_in_force(const std::string& run) {
    return ever_in_force_[run];
  }
  [[nodiscard]] bool in_force(const std::string& run) const;
  [[nodiscard]] const std::string& owner() const { return owner_; }

 private:
  void comes_into_force(const targets::Action& action);
  void taken(const std::string& who, targets::Epoch epoch);

  World& world_;
  const std::size_t most_faults_;
  std::function<void(const std::string&)> broken_;
  std::map<std::string, fake::SimulatedDisk::Platter> journals_;
  std::map<std::string, std::set<std::string>> ever_in_force_;
  std::set<std::string> undone_;
  std::string owner_;
  targets::Epoch epoch_ = 0;
  struct Forbidden {
    Instant from;
    std::string why;
    std::unique_ptr<Timer> timer;
  };
  std::map<std::string, Forbidden> forbidden_;  // by run
};

}  // namespace faultline::simulation
