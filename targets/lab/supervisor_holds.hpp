#pragma once

#include "targets/target.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::lab {

/// What an action asks of a component for as long as it is in force.
enum class Hold { stopped, dead };

/// Who holds which component down. Holds are named after actions, so they stack and are let go in
/// any order: any `dead` hold makes the component dead, else any `stopped` hold stopped, else it
/// runs.
class ProcessHolds {
 public:
  /// Adding a hold twice is nothing.
  void add(const std::string& component, const std::string& action, Hold hold);
  /// What the action held it to; nothing when it did not. After a `dead` hold the process may be
  /// started again.
  std::optional<Hold> remove(const std::string& component, const std::string& action);
  [[nodiscard]] targets::ProcessState wanted(const std::string& component) const;

 private:
  std::map<std::string, std::map<std::string, Hold>> holds_;  // component -> action -> hold
};

enum class ProcessStep { start, kill, stop, resume };

/// What leads from one state to the other, in order.
std::vector<ProcessStep> steps(targets::ProcessState from, targets::ProcessState to);

}  // namespace faultline::lab
