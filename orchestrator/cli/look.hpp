#pragma once

#include "orchestrator/cli/command.hpp"
#include "orchestrator/script/loader.hpp"
#include "targets/catalog.hpp"

#include <map>
#include <string>
#include <vector>

namespace faultline::cli {

/// --var name=value, several times.
Result<std::map<std::string, std::string>> parse_vars(const std::vector<std::string>& vars);

/// The target kind of an environment. Error `usage` names those there are.
Result<const targets::TargetKind*> target_kind(const engine::Environment& environment);

/// --approve "WHO: REASON", several times.
void add_approve(CLI::App& command, std::vector<std::string>& given);
Result<std::vector<engine::Approval>> parse_approvals(const std::vector<std::string>& given);

/// Takes the steps of an experiment on a dry world, now: everything about it that can be wrong is
/// found here, before anything is touched.
Result<script::DryRun> look_over(const engine::Experiment& experiment,
                                 const engine::Environment& environment,
                                 const targets::World& world, bool approved);
/// The same, of a script.
Result<script::DryRun> look_over(const std::string& file, const engine::Environment& environment,
                                 const script::LoadOptions& options, const targets::World& world,
                                 bool approved);

}  // namespace faultline::cli
