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
  enqueue(
      action.resource,
      [this, action](targets::Done<void> finished) {
        find_kind(action.kind)->apply(parts_, action, std::move(finished));
      },
      std::move(done));
}

void Actions::revert(const targets::Action& action, targets::Done<void> done) {
  enqueue(
      action.resource,
      [this, action](targets::Done<void> finished) {
        find_kind(action.kind)->revert(parts_, action, std::move(finished));
      },
      std::move(done));
}

void Actions::enqueue(const std::string& resource, Job job, targets::Done<void> done) {
  auto& queue = queues_[resource];
  queue.push_back([this, resource, job = std::move(job), done = std::move(done)] {
    // Posted, because a job may end before it returns.
    job([this, resource, done](const Result<>& result) {
      boost::asio::post(parts_.io, [this, resource, done, result] {
        done(result);
        next(resource);
      });
    });
  });
  if (queue.size() == 1) {
    queue.front()();
  }
}

void Actions::next(const std::string& resource) {
  auto& queue = queues_[resource];
  queue.pop_front();
  if (queue.empty()) {
    queues_.erase(resource);
  } else {
    queue.front()();
  }
}

}  // namespace faultline::lab
