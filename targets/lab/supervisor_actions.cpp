#include "targets/lab/supervisor_actions.hpp"

#include "targets/lab/supervisor_action_kinds.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace faultline::lab {
namespace {

const ActionKind* find_kind(const std::string& name) {
  const auto kinds = all_action_kinds();
  const auto it = std::ranges::find(kinds, name, &ActionKind::name);
  return it == kinds.end() ? nullptr : &*it;
}

}  // namespace

std::set<std::string> action_kinds() {
  std::set<std::string> names;
  for (const auto& kind : all_action_kinds()) {
    names.emplace(kind.name);
  }
  return names;
}

Result<> validate_action(const targets::Action& action, const Topology& topology) {
  if (const auto* kind = find_kind(action.kind)) {
    return kind->validate(action.args, topology);
  }
  return Error{ErrorKind::unsupported, fmt::format("the lab cannot do '{}'; it can {}", action.kind,
                                                   fmt::join(action_kinds(), ", "))};
}

void Actions::apply(const targets::Action& action, targets::Done<void> done) {
  const auto* kind = find_kind(action.kind);
  if (kind->order == ActionKind::Order::at_once) {
    kind->apply(parts_, action, std::move(done));
    return;
  }
  turns_.take(
      action.resource, action.id,
      [this, action, kind](targets::Done<void> finished) {
        kind->apply(parts_, action, std::move(finished));
      },
      std::move(done));
}

void Actions::revert(const targets::Action& action, targets::Done<void> done) {
  const auto* kind = find_kind(action.kind);
  if (kind->order == ActionKind::Order::at_once) {
    kind->revert(parts_, action, std::move(done));
    return;
  }
  if (kind->order == ActionKind::Order::in_turn) {
    turns_.take(
        action.resource, action.id,
        [this, action, kind](targets::Done<void> finished) {
          kind->revert(parts_, action, std::move(finished));
        },
        std::move(done));
    return;
  }
  turns_.give_up(action.id);
  // Posted, so that the interrupted apply answers first.
  kind->revert(parts_, action, [this, done = std::move(done)](const Result<>& result) {
    boost::asio::post(parts_.io, [done, result] { done(result); });
  });
}

}  // namespace faultline::lab
