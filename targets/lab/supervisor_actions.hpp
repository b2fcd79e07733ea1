#pragma once

#include "targets/lab/supervisor_flows.hpp"
#include "targets/lab/supervisor_reclaims.hpp"
#include "targets/lab/supervisor_roles.hpp"
#include "targets/lab/supervisor_rule_changes.hpp"
#include "targets/lab/supervisor_side_doors.hpp"
#include "targets/lab/supervisor_switchover.hpp"
#include "targets/lab/supervisor_turns.hpp"

#include <set>

namespace faultline::lab {

/// What the actions work with.
struct ActionParts {
  boost::asio::io_context& io;
  const Topology& topology;
  Components& components;
  RuleChanges& rules;
  Roles& roles;
  Switchovers& switchovers;
  SideDoors& side_doors;
  Reclaims& reclaims;
  FlowHolds& flows;
};

/// Every kind of action that a lab can do.
std::set<std::string> action_kinds();

/// Error `unsupported` for an unknown kind, `not_found` or `usage` for wrong arguments; throws a
/// JSON exception for a missing one.
Result<> validate_action(const targets::Action& action, const Topology& topology);

/// Does actions and undoes them. What touches one resource happens in the order of its kind,
/// resources in parallel.
class Actions {
 public:
  explicit Actions(const ActionParts& parts) : parts_(parts), turns_(parts.io) {}

  [[nodiscard]] Result<> validate(const targets::Action& action) const {
    return validate_action(action, parts_.topology);
  }
  /// Of a valid action. An error means that nothing was changed, except `timeout` and `io`.
  void apply(const targets::Action& action, targets::Done<void> done);
  /// Idempotent.
  void revert(const targets::Action& action, targets::Done<void> done);

 private:
  ActionParts parts_;
  Turns turns_;
};

}  // namespace faultline::lab
