#pragma once

#include "orchestrator/engine/environment.hpp"
#include "orchestrator/engine/experiment.hpp"
#include "orchestrator/engine/guardrails.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

/// Lua in, values out. Scripts are sandboxed; what they may call is listed in `bindings.cpp` and
/// documented in scripts/lua/api.lua.
namespace faultline::script {

/// Source of each number: measured on the drills, times ten.
struct Limits {
  bool wrong_calls_stop = true;  ///< one in a method cannot be caught; false to test them
  std::size_t memory_bytes = 32u << 20;
  std::uint64_t instructions = 20'000'000;
  std::size_t string_bytes = 1u << 20;  ///< of any one string, table or call stack
  std::chrono::seconds processor{10};   ///< between two waits; for what counts no instructions
};

struct LoadOptions {
  std::map<std::string, std::string> vars;  ///< --var k=v
  std::optional<std::size_t> variant;       ///< --variant N, from 1
  Limits limits;
};

/// Loads an experiment. Everything that is wrong with it is error `usage`:
/// "file.lua:12: unknown field 'hypotesis'; did you mean 'hypothesis'?".
Result<engine::Experiment> load_experiment(const std::filesystem::path& file,
                                           const engine::Environment& environment,
                                           const LoadOptions& options);

/// A load by itself, without an experiment.
struct Load {
  std::string name;  ///< of the file, without its ending
  std::map<std::string, engine::Probe> probes;
  Duration duration{};
  std::string file, sha256;
};

/// Loads a file that returns load { ... }. `environment`: where it is to run, for the names of its
/// stores; an empty one for the machine itself. Errors: `usage`.
Result<Load> load_load(const std::filesystem::path& file, const engine::Environment& environment,
                       const Limits& limits);

/// `name_or_file`: "lab" (embedded) or a path.
Result<engine::Environment> load_environment(const std::string& name_or_file, const Limits& limits);

/// One step that a method would take, found by running it on a dry world.
struct DryStep {
  std::string what;  ///< baseline, inject, revert, wait, expect
  engine::Place place;
  /// inject: {"fault", "params", "plan", "radius", "guardrails"}; revert: {"fault"}, its index;
  /// wait: {"ms"}; baseline: {"ms", "objectives": [{"objective", "reach"}]};
  /// expect: {"objective" in words, "reach": how far its window carries the claim, or null}.
  nlohmann::json detail;
};

/// What a method is tried on.
struct DryWorld {
  const targets::World& world;
  const std::set<std::string>& capabilities;  ///< what the target can do
  WallTime now{};                             ///< for freeze windows
  bool approved = false;                      ///< a person agreed to what needs it
  bool guarded = true;                        ///< false: whatever the guardrails say
};

/// What a method would do, and how far that goes.
struct DryRun {
  std::vector<DryStep> steps;
  engine::Radius widest;             ///< in force together at most, each measure by itself
  std::vector<engine::Reading> met;  ///< each guardrail where it is nearest, or broken
  std::optional<Error> refused;      ///< by a guardrail, `usage`; the steps end there
  std::vector<engine::Expectation> monitored;  ///< what Prometheus will be asked
};

/// Runs the method on a dry world: inject validates and plans, waits return at once, expectations
/// hold. Errors: `usage` and `unsupported` before anything would be touched, `not_found` when a
/// selector matched nothing.
Result<DryRun> dry_run(const engine::Experiment& experiment, const engine::Environment& environment,
                       const DryWorld& dry);

}  // namespace faultline::script
