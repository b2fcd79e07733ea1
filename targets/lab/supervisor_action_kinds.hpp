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
  /// How it goes together with what else is asked of its resource.
  enum class Order {
    in_turn,       ///< after what was asked before
    at_once,       ///< it has an order of its own
    interrupting,  ///< its apply takes so long that the revert does not wait for it: it ends the
                   ///< apply, which then answers an error
  };
  Order order = Order::in_turn;
};

std::span<const ActionKind> all_action_kinds();

}  // namespace faultline::lab
