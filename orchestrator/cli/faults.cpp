#include "faults/catalog.hpp"
#include "orchestrator/cli/commands.hpp"
#include "orchestrator/cli/table.hpp"
#include "targets/catalog.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

namespace faultline::cli {
namespace {

std::string values(const faults::Param& param) {
  switch (param.type) {
    case faults::ParamType::text:
      return "text";
    case faults::ParamType::zone:
      return "a zone";
    case faults::ParamType::cache:
      return "a cache";
    case faults::ParamType::database:
      return "a database";
    case faults::ParamType::dependency:
      return "a third party";
    case faults::ParamType::instances:
      return "nodes of a service";
    case faults::ParamType::choice:
      return fmt::format("{}", fmt::join(param.choices, ", "));
    case faults::ParamType::duration:
      return fmt::format("{:g} to {:g} ms", param.min, param.max);
    case faults::ParamType::percent:
      return fmt::format("{:g} to {:g} %", param.min, param.max);
    case faults::ParamType::count:
      return fmt::format("{:g} to {:g}", param.min, param.max);
  }
  return "text";
}

std::string fallback(const faults::Param& param) {
  if (param.fallback.is_null()) {
    return "required";
  }
  if (param.fallback == "") {
    return "optional";
  }
  const auto text =
      param.fallback.is_string() ? param.fallback.get<std::string>() : param.fallback.dump();
  return fmt::format("default {}{}", text,
                     param.type == faults::ParamType::duration  ? " ms"
                     : param.type == faults::ParamType::percent ? " %"
                                                                : "");
}

/// What a parameter that must be given could be in a world, each a way to plan the fault.
std::vector<faults::Json> examples(const faults::Param& param, const targets::World& world) {
  if (param.type == faults::ParamType::zone) {
    return {world.zones.begin(), world.zones.end()};
  }
  for (const auto& component : world.components) {
    const auto label = [&component](const char* key) {
      const auto it = component.labels.find(key);
      return it == component.labels.end() ? std::string() : it->second;
    };
    const auto name = param.type == faults::ParamType::cache        ? label("cache")
                      : param.type == faults::ParamType::database   ? label("database")
                      : param.type == faults::ParamType::dependency ? label("dependency")
                      : label("spot") == "true"                     ? component.name
                                                                    : std::string();
    if (!name.empty()) {
      return {name};
    }
  }
  return {};
}

/// Found by planning it with its defaults on the known worlds, in each zone: it may depend on
/// where. At most one parameter of a fault has to be given.
std::string reversibility(const faults::Kind& kind) {
  std::set<std::string> classes;
  for (const auto& target : targets::catalog()) {
    const auto world = target.blueprint("");
    std::vector<faults::Json> ways{faults::Json::object()};
    for (const auto& param : kind.params) {
      if (param.fallback.is_null()) {
        ways.clear();
        for (const auto& example : examples(param, world)) {
          ways.push_back({{param.name, example}});
        }
      }
    }
    for (const auto& params : ways) {
      const auto complete = faults::validate(kind, params, world);
      const auto plan = complete ? kind.plan(world, *complete, "catalogue")
                                 : Result<faults::Plan>(complete.error());
      if (plan) {
        classes.emplace(faults::to_string(plan->reversibility));
      }
    }
  }
  return fmt::format("{}", fmt::join(classes, " or "));
}

void print_kind(const faults::Kind& kind) {
  fmt::print("{}: {}\n", kind.name, kind.summary);
  std::vector<std::vector<std::string>> rows;
  for (const auto& param : kind.params) {
    rows.push_back({param.name, values(param), fallback(param), param.doc});
  }
  fmt::print("{}", aligned(rows, 2));
  fmt::print("  the target must be able to: {}\n", kind.capability);
  fmt::print("  reversibility: {}\n", reversibility(kind));
}

int faults_command(const std::string& name) {
  if (!name.empty()) {
    const auto kind = faults::find(name);
    if (!kind) {
      return report(kind.error());
    }
    print_kind(**kind);
    return 0;
  }
  bool first = true;
  for (const auto& kind : faults::catalog()) {
    fmt::print("{}", first ? "" : "\n");
    print_kind(kind);
    first = false;
  }
  return 0;
}

}  // namespace

void add_faults(CLI::App& app, Context& context) {
  auto name = std::make_shared<std::string>();
  auto* command = app.add_subcommand(
      "faults", "the catalogue: parameters, units, defaults, limits, capability, reversibility");
  command->add_option("NAME", *name, "one fault only");
  command->callback(
      [name, &context] { context.action = [name] { return faults_command(*name); }; });
}

}  // namespace faultline::cli
