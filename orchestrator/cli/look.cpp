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

void add_approve(CLI::App& command, std::vector<std::string>& given) {
  command
      .add_option("--approve", given,
                  "somebody's agreement to faults that need one, for the record")
      ->type_name("\"WHO: REASON\"")
      ->allow_extra_args(false);  // a file that follows is a file
}

Result<std::vector<engine::Approval>> parse_approvals(const std::vector<std::string>& given) {
  std::vector<engine::Approval> approvals;
  for (const auto& text : given) {
    const auto colon = text.find(':');
    const auto start = colon == std::string::npos ? colon : text.find_first_not_of(' ', colon + 1);
    if (colon == 0 || start == std::string::npos) {
      return Error{ErrorKind::usage,
                   fmt::format("--approve expects \"WHO: REASON\" such as \"ann: agreed with the "
                               "shop team\", found '{}'",
                               text)};
    }
    approvals.push_back({text.substr(0, colon), text.substr(start)});
  }
  return approvals;
}

Result<script::DryRun> look_over(const engine::Experiment& experiment,
                                 const engine::Environment& environment,
                                 const targets::World& world, bool approved) {
  const auto kind = target_kind(environment);
  if (!kind) {
    return kind.error();
  }
  const auto now =
      std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return script::dry_run(
      experiment, environment,
      {.world = world, .capabilities = (*kind)->capabilities, .now = now, .approved = approved});
}

Result<script::DryRun> look_over(const std::string& file, const engine::Environment& environment,
                                 const script::LoadOptions& options, const targets::World& world,
                                 bool approved) {
  const auto experiment = script::load_experiment(file, environment, options);
  if (!experiment) {
    return experiment.error();
  }
  return look_over(*experiment, environment, world, approved);
}

}  // namespace faultline::cli
