#include "targets/lab/supervisor_actions.hpp"

#include "targets/lab/supervisor_network.hpp"
#include "targets/text.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace faultline::lab {
namespace {

using targets::Action;

constexpr Duration nft_limit = std::chrono::seconds(5);  // 5 ms on a quiet machine

std::string text_arg(const Action& action, const char* key) {
  return action.args.at(key).get<std::string>();
}

Result<> known(std::string_view what, const std::string& name,
               const std::vector<std::string>& all) {
  if (std::ranges::find(all, name) != all.end()) {
    return {};
  }
  return Error{ErrorKind::not_found,
               fmt::format("the lab has no {} '{}'{}", what, name, suggestion(name, all))};
}

std::vector<std::string> names(const auto& things) {
  std::vector<std::string> out;
  for (const auto& thing : things) {
    out.push_back(thing.name);
  }
  return out;
}

/// The host in which an action's rules are.
std::string rules_host(const Action& action) {
  return action.kind == "network.cut" ? "core" : text_arg(action, "host");
}

bool is_rules(const Action& action) {
  return action.kind == "network.cut" || action.kind == "network.isolate";
}

bool is_hold(const Action& action) {
  return action.kind == "process.kill" || action.kind == "process.stop";
}

std::string rules_text(const Action& action) {
  return action.kind == "network.cut"
             ? cut_rules(action.id, text_arg(action, "zone"), text_arg(action, "direction"))
             : isolate_rules(action.id);
}

}  // namespace

Result<> Actions::validate(const Action& action) const {
  if (is_hold(action)) {
    return known("component", text_arg(action, "component"), names(topology_.processes));
  }
  if (action.kind == "network.isolate") {
    return known("host", text_arg(action, "host"), names(topology_.hosts));
  }
  if (action.kind == "network.cut") {
    if (auto zone = known("zone", text_arg(action, "zone"), topology_.zones); !zone) {
      return zone;
    }
    return known("direction", text_arg(action, "direction"), {"full", "inbound", "outbound"});
  }
  if (action.kind == "cache.switchover") {
    std::vector<std::string> caches;
    for (const auto& [cache, home] : blueprint(topology_).homes) {
      caches.push_back(cache);
    }
    return known("cache", text_arg(action, "cache"), caches);
  }
  return Error{ErrorKind::unsupported,
               fmt::format("the lab cannot do '{}'; it can network.cut, network.isolate, "
                           "process.kill, process.stop, cache.switchover",
                           action.kind)};
}

void Actions::apply(const Action& action, targets::Done<void> done) {
  enqueue(
      action.resource,
      [this, action](targets::Done<void> finished) {
        if (is_rules(action)) {
          rules(rules_host(action), rules_text(action), std::move(finished));
        } else if (is_hold(action)) {
          const auto hold = action.kind == "process.kill" ? Hold::dead : Hold::stopped;
          components_.hold(text_arg(action, "component"), action.id, hold, std::move(finished));
        } else {
          roles_.fail_over(text_arg(action, "cache"), std::move(finished));
        }
      },
      std::move(done));
}

void Actions::revert(const Action& action, targets::Done<void> done) {
  enqueue(
      action.resource,
      [this, action](targets::Done<void> finished) {
        if (is_rules(action)) {
          rules(rules_host(action), delete_rules(action.id), std::move(finished));
        } else if (is_hold(action)) {
          components_.let_go(text_arg(action, "component"), action.id, std::move(finished));
        } else {
          finished(Result<>{});  // a moved role comes home by bring_home
        }
      },
      std::move(done));
}

void Actions::rules(const std::string& host, const std::string& text, targets::Done<void> done) {
  children_.run({host, {"nft", "-f", "-"}}, text, nft_limit,
                [done = std::move(done)](const Result<std::string>& printed) {
                  done(printed ? Result<>{} : Result<>(printed.error()));
                });
}

void Actions::enqueue(const std::string& resource, Job job, targets::Done<void> done) {
  auto& queue = queues_[resource];
  queue.push_back([this, resource, job = std::move(job), done = std::move(done)] {
    // Posted, because a job may end before it returns.
    job([this, resource, done](const Result<>& result) {
      boost::asio::post(io_, [this, resource, done, result] {
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
