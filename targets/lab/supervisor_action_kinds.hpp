#pragma once

#include "targets/lab/supervisor_actions.hpp"

#include <span>
#include <string_view>

namespace faultline::lab {

/// What a lab can do, a row each: `targets/target.hpp` has the arguments.
struct ActionKind {
  using Do = void (*)(const ActionParts& lab, const targets::Action& action,
                      targets::Done<void> done);
  std::string_view name;
  Result<> (*validate)(const targets::Json& args, const Topology& topology);
  Do apply;
  Do revert;
  /// Its apply takes so long that the revert does not wait for it: it ends the apply, which then
  /// answers an error.
  bool revert_interrupts = false;
};

std::span<const ActionKind> all_action_kinds();

}  // namespace faultline::lab
