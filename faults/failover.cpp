#include "faults/failover.hpp"

#include <fmt/format.h>

namespace faultline::faults {
namespace {

/// The manager moves on its own tick and waits for the chosen node to be promoted.
constexpr Duration switchover_within = std::chrono::seconds(10);

Action action_of(const Store& store, const std::string& mode, const targets::Component& first,
                 const std::string& name, const std::string& id) {
  const std::string component = "component " + first.name;
  if (mode == "hang") {
    return {.id = id + ".1",
            .kind = "process.stop",
            .args = {{"component", first.name}},
            .summary = fmt::format(
                "stop {} (SIGSTOP): it keeps its connections and answers nothing", first.name),
            .undo_summary = fmt::format("let {} go on (SIGCONT)", first.name),
            .resource = component};
  }
  if (mode == "isolate") {
    return {.id = id + ".1",
            .kind = "network.isolate",
            .args = {{"host", first.host}},
            .summary = fmt::format("drop everything from and to host {}", first.host),
            .undo_summary = "delete those rules",
            .resource = "host " + first.host};
  }
  if (mode == "switchover") {
    return {.id = id + ".1",
            .kind = store.switchover,
            .args = {{store.kind, name}},
            .summary = fmt::format("ask {} to move the {} of {}", store.manager, store.first, name),
            .undo_summary = "",
            .resource = fmt::format("{} {}", store.kind, name)};
  }
  return {.id = id + ".1",
          .kind = "process.kill",
          .args = {{"component", first.name}},
          .summary = fmt::format("kill {} (SIGKILL) and hold it down", first.name),
          .undo_summary = fmt::format("start {} again", first.name),
          .resource = component};
}

/// The cause only: whether the store fails over is for the objectives to judge. A switchover is the
/// exception: there the moved role is what was asked for.
Check effect_of(const Store& store, const std::string& mode, const targets::Component& first,
                const std::string& name) {
  if (mode == "hang") {
    return {"component.state",
            {{"component", first.name}, {"state", "stopped"}},
            fmt::format("{} is stopped", first.name)};
  }
  if (mode == "isolate") {
    return {"component.silent",
            {{"component", first.name}},
            fmt::format("{} answers nobody", first.name)};
  }
  if (mode == "switchover") {
    return {store.moved,
            {{store.kind, name}, {"component", first.name}},
            fmt::format("another node than {} is the {} of {}", first.name, store.first, name)};
  }
  return {"component.state",
          {{"component", first.name}, {"state", "dead"}},
          fmt::format("{} is dead", first.name)};
}

}  // namespace

std::vector<std::string> components_at(const World& world, const std::string& host) {
  std::vector<std::string> names;
  for (const auto& component : world.components) {
    if (component.host == host) {
      names.push_back(component.name);
    }
  }
  return names;
}

Result<Plan> plan_failover(const Store& store, const World& world, const Json& params,
                           const std::string& id) {
  const auto name = params.at(store.kind).get<std::string>();
  const auto mode = params.at("mode").get<std::string>();
  const auto* first = world.primary(name);
  if (first == nullptr) {
    return Error{ErrorKind::not_found,
                 fmt::format("{} {} has no {} now, so there is none to lose; see "
                             "`faultline lab status`",
                             store.kind, name, store.first)};
  }
  const auto nodes = world.with_label(store.kind, name).size();
  if (mode == "switchover" && nodes < 2) {
    return Error{ErrorKind::not_found,
                 fmt::format("{} {} has one node only, so its role cannot move", store.kind, name)};
  }
  Plan plan;
  plan.actions = {action_of(store, mode, *first, name, id)};
  plan.resources = {fmt::format("{} {}", store.kind, name), "component " + first->name};
  plan.instances = {first->name};
  if (mode == "isolate") {
    plan.resources.push_back("host " + first->host);
    plan.instances = components_at(world, first->host);
  }
  plan.reversibility = Reversibility::compensable;
  plan.effect = {effect_of(store, mode, *first, name)};
  if (mode == "switchover") {
    plan.effect_within = switchover_within;
  }
  plan.end_state = {fmt::format("{} has one {}, wherever it is now, and {} {} in sync", name,
                                store.first, nodes - 1, store.others),
                    "every component is healthy"};
  plan.may_move = {fmt::format("{} {} {}", store.kind, name, store.role)};
  return plan;
}

Param failover_mode(const Store& store) {
  return {.name = "mode",
          .type = ParamType::choice,
          .doc = fmt::format("crash: SIGKILL; hang: SIGSTOP; isolate: its packets are dropped; "
                             "switchover: {} is asked to move the role",
                             store.manager),
          .fallback = "crash",
          .choices = {"crash", "hang", "isolate", "switchover"}};
}

}  // namespace faultline::faults
