#include "orchestrator/cli/look.hpp"

#include "targets/text.hpp"

#include <fmt/format.h>

namespace faultline::cli {

Result<std::map<std::string, std::string>> parse_vars(const std::vector<std::string>& vars) {
  std::map<std::string, std::string> out;
  for (const auto& var : vars) {
    const auto equals = var.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error{ErrorKind::usage, fmt::format("--var expects name=value, found '{}'", var)};
    }
    out[var.substr(0, equals)] = var.substr(equals + 1);
  }
  return out;
}

Result<const targets::TargetKind*> target_kind(const engine::Environment& environment) {
  if (const auto* kind = targets::find(environment.target)) {
    return kind;
  }
  std::vector<std::string> names;
  for (const auto& kind : targets::catalog()) {
    names.push_back(kind.name);
  }
  return Error{ErrorKind::usage,
               fmt::format("environment {}: there is no target '{}'{}", environment.name,
                           environment.target, suggestion(environment.target, names))};
}

Result<std::vector<script::DryStep>> look_over(const std::string& file,
                                               const engine::Environment& environment,
                                               const script::LoadOptions& options,
                                               const targets::World& world) {
  const auto kind = target_kind(environment);
  if (!kind) {
    return kind.error();
  }
  const auto experiment = script::load_experiment(file, environment, options);
  if (!experiment) {
    return experiment.error();
  }
  return script::dry_run(*experiment, environment, world, (*kind)->capabilities);
}

}  // namespace faultline::cli
