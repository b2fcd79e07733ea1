#include "orchestrator/cli/commands.hpp"
#include "orchestrator/cli/look.hpp"
#include "orchestrator/slo/openslo.hpp"

#include <fmt/format.h>

namespace faultline::cli {
namespace {

struct CheckOptions {
  std::vector<std::string> files;
  std::string environment = "lab";
};

/// The steps of a script with one set of parameters, on the world as it will be staged. Guardrails
/// are for plan and run: what a script is does not depend on the day.
Result<std::size_t> steps_of(const std::string& file, const engine::Environment& environment,
                             const targets::TargetKind& kind, std::optional<std::size_t> variant) {
  const auto experiment =
      script::load_experiment(file, environment, {.vars = {}, .variant = variant, .limits = {}});
  if (!experiment) {
    return experiment.error();
  }
  const auto dry = script::dry_run(
      *experiment, environment,
      {.world = kind.blueprint(""), .capabilities = kind.capabilities, .guarded = false});
  return dry ? Result<std::size_t>(dry->steps.size()) : dry.error();
}

/// A script with its defaults, and with each of its variants.
Result<> check_file(const std::string& file, const engine::Environment& environment) {
  const auto kind = target_kind(environment);
  if (!kind) {
    return kind.error();
  }
  const auto experiment = script::load_experiment(file, environment, {});
  if (!experiment) {
    return experiment.error();
  }
  const auto steps = steps_of(file, environment, **kind, std::nullopt);
  if (!steps) {
    return steps.error();
  }
  for (std::size_t variant = 1; variant <= experiment->variants.size(); ++variant) {
    const auto taken = steps_of(file, environment, **kind, variant);
    if (!taken) {
      return Error{taken.error().kind,
                   fmt::format("variant {}: {}", variant, taken.error().message)};
    }
  }
  const auto variants = experiment->variants.empty()
                            ? std::string()
                            : fmt::format(", {} variants", experiment->variants.size());
  fmt::print("ok: {}, {} steps{}\n", experiment->name, *steps, variants);
  return {};
}

int check(const CheckOptions& options) {
  const auto environment = script::load_environment(options.environment, {});
  if (!environment) {
    return report(environment.error());
  }
  int worst = 0;
  for (const auto& file : options.files) {
    if (const auto fine = check_file(file, *environment); !fine) {
      report(fine.error());
      worst = 2;  // whatever it is, it was found before anything is touched
    }
  }
  return worst;
}

/// Instead of a check.
void list_openslo() {
  for (const auto& line : slo::openslo_supported()) {
    fmt::print("{}\n", line);
  }
  throw CLI::Success();
}

}  // namespace

void add_check(CLI::App& app, Context& context) {
  auto options = std::make_shared<CheckOptions>();
  auto* command = app.add_subcommand(
      "check", "syntax, names, units and a dry run of experiments; touches nothing");
  command->add_option("FILE", options->files, "experiments, Lua files")->required();
  command->add_option("--env", options->environment, "environment: lab, or a Lua file");
  command->add_flag_callback("--openslo", list_openslo,
                             "what slo.import reads of an OpenSLO document, and what it refuses");
  command->callback(
      [options, &context] { context.action = [options] { return check(*options); }; });
}

}  // namespace faultline::cli
