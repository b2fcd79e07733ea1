#pragma once

#include "orchestrator/cli/command.hpp"
#include "orchestrator/engine/run.hpp"

#include <string>
#include <vector>

namespace faultline::cli {

/// Where the records of a command go, and the exit code that sums them up.
struct Outputs {
  std::string json, html;  ///< files; "-" for JSON is standard output
};

/// Puts a run that begins into the history, so that one that never ends is there as unfinished.
void note_begun(const Context& context, const nlohmann::json& record);

/// The record of an experiment that was not run. It is no run, so the history does not have it.
nlohmann::json not_run(const engine::Experiment& experiment, const engine::Environment& environment,
                       const std::string& profile, const std::string& why);

/// Keeps a record in <home>/runs/<id>/ and in the history; a run that did not pass also keeps the
/// components' logs. A pass that cannot be kept in both is none any more: the result says so then.
/// Returns the exit code.
int keep(const Context& context, engine::RunResult& result, targets::Target& target);

/// Error `usage` when what was asked for could not be written: found before anything is touched.
Result<> check_outputs(const Outputs& outputs);

/// Removes what an earlier command wrote: a file that is there is this command's, or nothing.
void clear_outputs(const Outputs& outputs);

/// Writes what was asked for: an object for one record, JSON Lines for several. A file appears
/// under its name when it is whole.
Result<> write_outputs(const Outputs& outputs, const std::vector<nlohmann::json>& records);

/// The worst, in the order 5, 2, 4, 1, 3, 0; an interruption (130, 143) before all but 5.
int worst(int a, int b);

}  // namespace faultline::cli
