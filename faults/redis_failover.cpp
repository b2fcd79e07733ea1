#include "faults/kinds.hpp"

#include <fmt/format.h>

namespace faultline::faults {
namespace {

Action action_of(const std::string& mode, const targets::Component& primary,
                 const std::string& cache, const std::string& id) {
  const std::string component = "component " + primary.name;
  if (mode == "hang") {
    return {.id = id + ".1",
            .kind = "process.stop",
            .args = {{"component", primary.name}},
            .summary = fmt::format(
                "stop {} (SIGSTOP): it keeps its connections and answers nothing", primary.name),
            .undo_summary = fmt::format("let {} go on (SIGCONT)", primary.name),
            .resource = component};
  }
  if (mode == "isolate") {
    return {.id = id + ".1",
            .kind = "network.isolate",
            .args = {{"host", primary.host}},
            .summary = fmt::format("drop everything from and to host {}", primary.host),
            .undo_summary = "delete those rules",
            .resource = "host " + primary.host};
  }
  if (mode == "switchover") {
    return {.id = id + ".1",
            .kind = "cache.switchover",
            .args = {{"cache", cache}},
            .summary = fmt::format("ask Sentinel to move the primary of {}", cache),
            .undo_summary = "",
            .resource = "cache " + cache};
  }
  return {.id = id + ".1",
          .kind = "process.kill",
          .args = {{"component", primary.name}},
          .summary = fmt::format("kill {} (SIGKILL) and hold it down", primary.name),
          .undo_summary = fmt::format("start {} again", primary.name),
          .resource = component};
}

/// The cause only: whether the cache fails over is for the objectives to judge. A switchover is the
/// exception: there the moved role is what was asked for.
Check effect_of(const std::string& mode, const targets::Component& primary,
                const std::string& cache) {
  const Json component = {{"component", primary.name}};
  if (mode == "hang") {
    return {"component.state",
            {{"component", primary.name}, {"state", "stopped"}},
            fmt::format("{} is stopped", primary.name)};
  }
  if (mode == "isolate") {
    return {"component.silent", component, fmt::format("{} answers nobody", primary.name)};
  }
  if (mode == "switchover") {
    return {"cache.primary_not",
            {{"cache", cache}, {"component", primary.name}},
            fmt::format("another node than {} is the writable primary of {}", primary.name, cache)};
  }
  return {"component.state",
          {{"component", primary.name}, {"state", "dead"}},
          fmt::format("{} is dead", primary.name)};
}

std::vector<std::string> components_at(const World& world, const std::string& host) {
  std::vector<std::string> names;
  for (const auto& component : world.components) {
    if (component.host == host) {
      names.push_back(component.name);
    }
  }
  return names;
}

Result<Plan> plan(const World& world, const Json& params, const std::string& id) {
  const auto cache = params.at("cache").get<std::string>();
  const auto mode = params.at("mode").get<std::string>();
  const auto* primary = world.primary(cache);
  if (primary == nullptr) {
    return Error{ErrorKind::not_found,
                 fmt::format("cache {} has no primary now, so there is none to lose; see "
                             "`faultline lab status`",
                             cache)};
  }
  const auto nodes = world.with_label("cache", cache).size();
  Plan plan;
  plan.actions = {action_of(mode, *primary, cache, id)};
  plan.resources = {"cache " + cache, "component " + primary->name};
  plan.instances = {primary->name};
  if (mode == "isolate") {
    plan.resources.push_back("host " + primary->host);
    plan.instances = components_at(world, primary->host);
  }
  plan.reversibility = Reversibility::compensable;
  plan.effect = {effect_of(mode, *primary, cache)};
  if (mode == "switchover") {
    plan.effect_within = std::chrono::seconds(10);  // Sentinel moves on its own tick, and waits for
  }                                                 // the chosen replica to be promoted
  plan.end_state = {fmt::format("{} has one writable primary, on any node, and {} replicas in sync",
                                cache, nodes - 1),
                    "every component is healthy"};
  plan.may_move = {fmt::format("cache {} primary", cache)};
  return plan;
}

}  // namespace

Kind redis_failover() {
  return {.name = "redis_failover",
          .summary = "The primary of a Redis cache is lost, or moved",
          .capability = "kill, stop or isolate a Redis node, or ask Sentinel for a switchover",
          .params = {{.name = "cache",
                      .type = ParamType::cache,
                      .doc = "the cache whose primary is lost"},
                     {.name = "mode",
                      .type = ParamType::choice,
                      .doc = "crash: SIGKILL; hang: SIGSTOP; isolate: its packets are dropped; "
                             "switchover: Sentinel is asked to move the role",
                      .fallback = "crash",
                      .choices = {"crash", "hang", "isolate", "switchover"}}},
          .plan = plan};
}

}  // namespace faultline::faults
