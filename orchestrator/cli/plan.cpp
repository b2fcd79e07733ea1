#include "faults/catalog.hpp"
#include "orchestrator/cli/commands.hpp"
#include "orchestrator/cli/look.hpp"
#include "orchestrator/cli/radius.hpp"
#include "orchestrator/cli/session.hpp"
#include "orchestrator/cli/table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

namespace faultline::cli {
namespace {

using nlohmann::json;

struct PlanOptions {
  std::string file;
  std::string environment = "lab";
  std::string profile;
  std::vector<std::string> vars;
  std::optional<std::size_t> variant;
  bool as_json = false;
};

/// The world as it is when the home's environment is up, else as it will be when staged.
targets::World world_of(const Context& context, const targets::TargetKind& kind,
                        const PlanOptions& o) {
  boost::asio::io_context io;
  const auto target = kind.open(io, {.home = context.home,
                                     .cache = context.cache,
                                     .profile = o.profile,
                                     .stage = false,
                                     .progress = [](const std::string&) {}});
  if (target) {
    auto world = await<targets::World>(io, [&](auto done) { (*target)->observe(done); });
    if (world) {
      return std::move(*world);
    }
  }
  return kind.blueprint(o.profile.empty() ? "hardened" : o.profile);
}

std::string text_list(const json& items) {
  return fmt::format("{}", fmt::join(items.get<std::vector<std::string>>(), ", "));
}

void print_entry(const char* name, const std::string& text) {
  fmt::print("{}", wrapped(fmt::format("      {:<8}", name), text));
}

/// Each check of `list` on a line of its own, with the time that it has.
void print_checks(const json& plan, const char* list, const char* name, const char* within_ms) {
  for (const auto& check : plan.at(list)) {
    print_entry(name, check.at("summary").get<std::string>() +
                          (within_ms == nullptr
                               ? ""
                               : fmt::format(" (within {})",
                                             in_words(std::chrono::milliseconds(
                                                 plan.at(within_ms).get<std::int64_t>())))));
  }
}

/// A parameter as people write it: durations arrive in milliseconds.
std::string value_in_words(const faults::Kind& kind, const std::string& name, const json& value) {
  const auto param = std::ranges::find(kind.params, name, &faults::Param::name);
  if (param != kind.params.end() && param->type == faults::ParamType::duration) {
    return in_words(std::chrono::milliseconds(std::llround(value.get<double>())));
  }
  if (value.is_array()) {
    return text_list(value);
  }
  if (value.is_string()) {
    return value.get<std::string>();
  }
  return value.is_number() ? fmt::format("{:g}", value.get<double>()) : value.dump();
}

std::string params_in_words(const json& detail) {
  const auto kind = faults::find(detail.at("fault").get<std::string>());
  std::vector<std::string> words;
  for (const auto& [name, value] : detail.at("params").items()) {
    words.push_back(fmt::format("{} = {}", name, value_in_words(**kind, name, value)));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

void print_fault(const json& detail) {
  const auto& plan = detail.at("plan");
  fmt::print("{}", wrapped(fmt::format("  {} ", detail.at("fault").get<std::string>()),
                           params_in_words(detail)));
  print_checks(plan, "before", "first", nullptr);
  for (const auto& action : plan.at("actions")) {
    print_entry("do", action.at("summary").get<std::string>());
    const auto undo = action.at("undo_summary").get<std::string>();
    print_entry("undo", undo.empty() ? "nothing to undo" : undo);
  }
  print_checks(plan, "effect", "proof", "effect_within_ms");
  print_checks(plan, "completion", "ends", "completes_within_ms");
  print_entry("claims", text_list(plan.at("resources")));
  const auto hit = plan.at("instances").size();
  print_entry("hits", hit == 0 ? "no component itself"
                               : fmt::format("{} component{}: {}", hit, hit == 1 ? "" : "s",
                                             text_list(plan.at("instances"))));
  for (const auto& state : plan.at("end_state")) {
    print_entry("after", state.get<std::string>());
  }
  if (!plan.at("may_move").empty()) {
    print_entry("moves", text_list(plan.at("may_move")) + " (a lasting change)");
  }
  print_entry("is", plan.at("reversibility").get<std::string>());
}

std::string ms_in_words(const json& ms) {
  return in_words(std::chrono::milliseconds(std::llround(ms.get<double>())));
}

/// What the window establishes when nothing fails in it, by two views: the truth is between them.
void print_reach(const json& reach) {
  if (reach.is_null()) {
    return;
  }
  print_entry(
      "window",
      fmt::format("{} requests; without a failure they establish {:.4g} % at 95 %, and {:.4g} "
                  "% where one failure takes all of {} ({} block{})",
                  reach.at("requests").get<std::uint64_t>(),
                  reach.at("establishes_percent").get<double>(),
                  reach.at("establishes_percent_by_blocks").get<double>(),
                  ms_in_words(reach.at("block_ms")), reach.at("blocks").get<std::uint64_t>(),
                  reach.at("blocks") == 1 ? "" : "s"));
  if (!reach.at("to_establish_by_blocks_ms").is_null()) {
    print_entry("claim", fmt::format("{:.6g} % takes {}, or {} by such blocks",
                                     reach.at("claims_percent").get<double>(),
                                     ms_in_words(reach.at("to_establish_ms")),
                                     ms_in_words(reach.at("to_establish_by_blocks_ms"))));
  }
}

void print_expectation(const json& detail) {
  fmt::print("  expect {}\n", detail.at("objective").get<std::string>());
  print_reach(detail.at("reach"));
}

void print_baseline(const json& detail) {
  fmt::print("  baseline over {}\n", ms_in_words(detail.at("ms")));
  for (const auto& objective : detail.at("objectives")) {
    print_entry("steady", objective.at("objective").get<std::string>());
    print_reach(objective.at("reach"));
  }
}

void print_step(const script::DryStep& step) {
  if (step.what == "inject") {
    return print_fault(step.detail);
  }
  if (step.what == "expect") {
    return print_expectation(step.detail);
  }
  if (step.what == "stop_when") {
    return fmt::print("  stop when {}: everything is reverted at once, and the run is aborted\n",
                      step.detail.at("condition").get<std::string>());
  }
  if (step.what == "wait") {
    return fmt::print(
        "  wait {}\n",
        in_words(std::chrono::milliseconds(step.detail.at("ms").get<std::int64_t>())));
  }
  if (step.what == "baseline") {
    return print_baseline(step.detail);
  }
  if (step.what == "declare") {
    return fmt::print("  declare a disaster: recovery is counted from here, too\n");
  }
  fmt::print("  {}\n", step.what);
}

json plan_in_json(const script::DryRun& dry, const engine::Environment& environment) {
  json out = radius_in_json(dry, environment);
  out["steps"] = json::array();
  for (const auto& step : dry.steps) {
    out["steps"].push_back({{"step", step.what},
                            {"file", step.place.file},
                            {"line", step.place.line},
                            {"detail", step.detail}});
  }
  return out;
}

int plan(const Context& context, const PlanOptions& o) {
  const auto environment = script::load_environment(o.environment, {});
  if (!environment) {
    return report(environment.error());
  }
  const auto kind = target_kind(*environment);
  const auto vars = parse_vars(o.vars);
  if (!kind || !vars) {
    return report(kind ? vars.error() : kind.error());
  }
  const script::LoadOptions load{.vars = *vars, .variant = o.variant, .limits = {}};
  const auto world = world_of(context, **kind, o);
  // As if whatever needs an approval had one: it is given when the run is started.
  const auto dry = look_over(o.file, *environment, load, world, true);
  if (!dry) {
    return report(dry.error());
  }
  if (o.as_json) {
    fmt::print("{}\n", plan_in_json(*dry, *environment).dump(2));
    return dry->refused ? report(*dry->refused) : 0;
  }
  fmt::print("{} on {} ({}): nothing is touched by this command\n", o.file, environment->name,
             world.profile);
  for (const auto& step : dry->steps) {
    print_step(step);
  }
  fmt::print("{}", radius_in_words(*dry, *environment));
  return dry->refused ? report(*dry->refused) : 0;
}

}  // namespace

void add_plan(CLI::App& app, Context& context) {
  auto o = std::make_shared<PlanOptions>();
  auto* command = app.add_subcommand("plan", "what a run would do, to what, and how it is undone");
  command->add_option("FILE", o->file, "an experiment, a Lua file")->required();
  command->add_option("--env", o->environment, "environment: lab, or a Lua file");
  command->add_option("--profile", o->profile, "profile of the lab: hardened (default) or naive");
  command->add_option("--var", o->vars, "set a parameter: name=value")->type_name("NAME=VALUE");
  command->add_option("--variant", o->variant, "the N-th of the script's variants, from 1");
  command->add_flag("--json", o->as_json, "the steps, the blast radius and the guardrails as JSON");
  command->callback(
      [o, &context] { context.action = [o, &context] { return plan(context, *o); }; });
}

}  // namespace faultline::cli
