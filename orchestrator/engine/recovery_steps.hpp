#pragma once

#include "orchestrator/slo/judge.hpp"
#include "targets/target.hpp"

#include <optional>
#include <string>
#include <vector>

/// A recovery taken apart: what happened between a disruption and the end of its effect. Pure.
namespace faultline::engine {

/// What the environment said itself: the notice `recovery_step` of targets/target.hpp.
struct ToldStep {
  Instant at;
  std::string of, step, by, component;
};
/// None for another notice, and for one that is not whole.
std::optional<ToldStep> told_step(const targets::Notice& notice);

/// One disruption and what was measured of it.
struct Outage {
  Instant disruption;
  Duration cap{};               ///< nothing later than that belongs to it
  std::optional<Instant> next;  ///< disruption of the same thing: what follows is that one's
  std::string of;               ///< cache, database or service; empty: not known
  std::string probe;            ///< that measured
  slo::Recovery measured;
  Duration watched{};                   ///< for how long that was looked for
  std::optional<slo::Backlog> backlog;  ///< none: nothing to compare with
  Duration backlog_watched{};
  std::vector<Instant> declarations;  ///< somebody said that this is a disaster
  bool told = false;                  ///< the environment tells of its own steps
};

struct RecoveryStep {
  std::string name;          ///< see `take_apart`
  std::optional<double> ms;  ///< from the disruption; none: `note` says why
  std::string by;            ///< who saw, noticed or decided it
  std::string component;     ///< as ToldStep has it
  std::string note;          ///< "did not happen", "out of order: before the first symptom"
};

struct TakenApart {
  /// Always all of them and in this order: symptom, detected, decided, done, first_success,
  /// sustained, drained, declared.
  std::vector<RecoveryStep> steps;
  /// The actual recovery time from when it was declared; none when it was not, or when it was over.
  std::optional<double> actual_from_declared_ms;

  [[nodiscard]] std::optional<double> ms(std::string_view name) const;
};

/// Of what the environment told, the first of each kind that falls between this disruption and the
/// next one of the same thing counts. Nothing is invented: what did not happen has no time.
TakenApart take_apart(const Outage& outage, const std::vector<ToldStep>& told);

targets::Json record_of(const std::vector<RecoveryStep>& steps);

}  // namespace faultline::engine
