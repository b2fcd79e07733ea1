#pragma once

#include "targets/lab/supervisor_ownership.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace faultline::lab {

/// Undoes what is in force, whoever asks for it: an owner, or the lab at a deadline. What is being
/// undone is not undone a second time: who asks meanwhile is answered when it is done.
class Undoing {
 public:
  using Undo = std::function<void(const targets::Action& action, targets::Done<void> done)>;

  Undoing(Ownership& ownership, Undo undo) : ownership_(ownership), undo_(std::move(undo)) {}

  /// Of an action whose undo is pending in the ownership, which learns what became of it.
  void undo(const targets::Action& action, targets::Done<void> done);
  /// Calls `then` when the action is not being undone: now, or after that.
  void after(const std::string& action, std::function<void()> then);

 private:
  void ended(const std::string& action, const Result<>& result);

  Ownership& ownership_;
  Undo undo_;
  std::map<std::string, std::vector<targets::Done<void>>> under_way_;  // by action
};

}  // namespace faultline::lab
