#pragma once

#include "targets/target.hpp"

#include <optional>
#include <string>
#include <vector>

/// What breaks, independent of where. A fault reads a World and returns actions; it touches
/// nothing.
namespace faultline::faults {

using targets::Action;
using targets::Check;
using targets::Json;
using targets::World;

enum class ParamType {
  text,
  zone,
  cache,
  database,
  dependency,
  instances,  ///< one name or a list of names of nodes of a service
  choice,
  duration,
  percent,
  count
};

/// A parameter with its limits. Durations are in milliseconds once validated, percents in 0..100.
struct Param {
  std::string name;
  ParamType type = ParamType::text;
  std::string doc;
  Json fallback;                     ///< null: required
  std::vector<std::string> choices;  ///< for `choice`; for `zone` and `cache` the world decides
  double min = 0;                    ///< for numbers, in the unit above
  double max = 0;
};

enum class Reversibility { restorable, compensable, self_healing, irreversible };
std::string_view to_string(Reversibility r);

/// Everything that will be done, before anything is done.
struct Plan {
  std::vector<Action> actions;         ///< applied in this order
  std::vector<std::string> resources;  ///< claimed in the ledger: "zone a", "cache sessions"
  std::vector<std::string> zones_cut;  ///< blast radius: zones taken as a whole
  std::vector<std::string> instances;  ///< blast radius: components hit
  Reversibility reversibility = Reversibility::restorable;
  /// Must hold right before the first action is applied, else nothing is: without them the effect
  /// would prove nothing ("the payment API answers within 500 ms").
  std::vector<Check> before;
  std::vector<Check> effect;  ///< all must hold: the cause is in force
  Duration effect_within = std::chrono::seconds(3);
  /// What must have come true by the time of the revert, for faults that go on by themselves ("the
  /// reclaimed node is gone"). Asked before the undo, which waits for it until `completes_within`
  /// after t0, except for an abort. Not so: the run is inconclusive.
  std::vector<Check> completion;
  Duration completes_within{};
  std::vector<std::string>
      end_state;  ///< declared for people: "sessions has one primary and 2 replicas in sync"
  std::vector<std::string> may_move;  ///< names of invariants that may differ afterwards
};

/// A kind of fault: one file, and one line in `catalog.cpp`.
struct Kind {
  std::string name;
  std::string summary;
  std::string capability;  ///< in words for the catalogue: "cut a zone's network"
  std::vector<Param> params;
  /// `params` are validated and complete; `id` prefixes the actions' ids. Action kinds that the
  /// target lacks are found by the caller, by comparing with its capabilities.
  Result<Plan> (*plan)(const World& world, const Json& params, const std::string& id);
};

/// Checks names, types, limits and values against the world and fills in defaults. Errors name the
/// parameter, what was expected and the nearest valid name. Durations arrive as {"ms": n}.
Result<Json> validate(const Kind& kind, const Json& given, const World& world);

}  // namespace faultline::faults
