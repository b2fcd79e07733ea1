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

/// Loads a script and takes its steps on a dry world: everything about it that can be wrong is
/// found here, before anything is touched.
Result<std::vector<script::DryStep>> look_over(const std::string& file,
                                               const engine::Environment& environment,
                                               const script::LoadOptions& options,
                                               const targets::World& world);

}  // namespace faultline::cli
