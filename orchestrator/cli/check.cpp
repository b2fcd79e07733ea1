#include "orchestrator/cli/commands.hpp"
#include "orchestrator/cli/look.hpp"

#include <fmt/format.h>

namespace faultline::cli {
namespace {

struct CheckOptions {
  std::vector<std::string> files;
  std::string environment = "lab";
};

/// A script with its defaults, and with each of its variants, on the world as it will be staged.
Result<> check_file(const std::string& file, const engine::Environment& environment) {
  const auto kind = target_kind(environment);
  if (!kind) {
    return kind.error();
  }
  const auto experiment = script::load_experiment(file, environment, {});
  if (!experiment) {
    return experiment.error();
  }
  const auto world = (*kind)->blueprint("");
  const auto steps = script::dry_run(*experiment, environment, world, (*kind)->capabilities);
  if (!steps) {
    return steps.error();
  }
  for (std::size_t variant = 1; variant <= experiment->variants.size(); ++variant) {
    const auto taken =
        look_over(file, environment, {.vars = {}, .variant = variant, .limits = {}}, world);
    if (!taken) {
      return Error{taken.error().kind,
                   fmt::format("variant {}: {}", variant, taken.error().message)};
    }
  }
  const auto variants = experiment->variants.empty()
                            ? std::string()
                            : fmt::format(", {} variants", experiment->variants.size());
  fmt::print("ok: {}, {} steps{}\n", experiment->name, steps->size(), variants);
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

}  // namespace

void add_check(CLI::App& app, Context& context) {
  auto options = std::make_shared<CheckOptions>();
  auto* command = app.add_subcommand(
      "check", "syntax, names, units and a dry run of experiments; touches nothing");
  command->add_option("FILE", options->files, "experiments, Lua files")->required();
  command->add_option("--env", options->environment, "environment: lab, or a Lua file");
  command->callback(
      [options, &context] { context.action = [options] { return check(*options); }; });
}

}  // namespace faultline::cli
