#include "orchestrator/cli/commands.hpp"
#include "orchestrator/cli/look.hpp"
#include "orchestrator/cli/table.hpp"
#include "orchestrator/engine/guardrails.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faultline::cli {
namespace {

int show(const std::string& name) {
  const auto environment = script::load_environment(name, {});
  if (!environment) {
    return report(environment.error());
  }
  fmt::print("{}", environment->source);
  return 0;
}

/// Zones and hosts that the target does not have.
Result<> check_names(const engine::Environment& environment, const targets::World& world) {
  for (const auto& zone : environment.zones) {
    if (std::ranges::find(world.zones, zone) == world.zones.end()) {
      return Error{ErrorKind::usage,
                   fmt::format("environment {}: unknown zone '{}'{}", environment.name, zone,
                               suggestion(zone, world.zones))};
    }
  }
  for (const auto& [name, probe] : environment.probes) {
    if (std::ranges::find(world.hosts, probe.from) == world.hosts.end()) {
      return Error{ErrorKind::usage, fmt::format("environment {}: probe '{}' runs on unknown host "
                                                 "'{}'{}",
                                                 environment.name, name, probe.from,
                                                 suggestion(probe.from, world.hosts))};
    }
  }
  for (const auto& [store, kind] : environment.stores) {
    std::vector<std::string> stores;
    for (const auto& [known, home] : world.homes) {
      stores.push_back(known);
    }
    if (!world.homes.contains(store)) {
      return Error{ErrorKind::usage,
                   fmt::format("environment {}: unknown {} '{}'{}", environment.name, kind, store,
                               suggestion(store, stores))};
    }
  }
  return engine::check_protected(environment.guardrails, world);
}

std::string reached(const engine::Probe& probe) {
  if (probe.args.contains("host")) {
    return fmt::format("{}:{}{}", probe.args.at("host").get<std::string>(),
                       probe.args.at("port").get<int>(), probe.args.value("path", ""));
  }
  return fmt::format("{} through {}", probe.store,
                     list_in_words(probe.args.at("sentinels").get<std::vector<std::string>>()));
}

int check(const std::string& name) {
  const auto environment = script::load_environment(name, {});
  if (!environment) {
    return report(environment.error());
  }
  const auto kind = target_kind(*environment);
  if (!kind) {
    return report(kind.error());
  }
  if (const auto known = check_names(*environment, (*kind)->blueprint("")); !known) {
    return report(known.error());
  }
  fmt::print("ok: {} on target {}, zones {}{}\n", environment->name, environment->target,
             list_in_words(environment->zones),
             environment->staging ? "" : "; not marked staging, so nothing is ever injected");
  std::vector<std::vector<std::string>> rows;
  for (const auto& [probe_name, probe] : environment->probes) {
    rows.push_back({probe_name, probe.kind, fmt::format("{:g}/s", probe.rate_per_s),
                    "from " + probe.from, "to " + reached(probe)});
  }
  fmt::print("{}", aligned(rows, 2));
  for (const auto& [objective, promise] : environment->objectives) {
    fmt::print("  promises {}\n", in_words(promise));
  }
  return 0;
}

}  // namespace

void add_env(CLI::App& app, Context& context) {
  auto name = std::make_shared<std::string>("lab");
  auto* command = app.add_subcommand("env", "an environment: what may be broken, what it promises");
  command->require_subcommand(1);
  const auto add = [&](const char* verb, const char* doc, int (*act)(const std::string&)) {
    auto* sub = command->add_subcommand(verb, doc);
    sub->add_option("ENVIRONMENT,--env", *name, "lab, or a Lua file");
    sub->callback([name, act, &context] { context.action = [name, act] { return act(*name); }; });
  };
  add("show", "its file, with comments", show);
  add("check", "whether it is right, and what it reaches", check);
}

}  // namespace faultline::cli
