#pragma once

#include "orchestrator/engine/environment.hpp"
#include "orchestrator/engine/radius.hpp"

#include <optional>
#include <string>
#include <vector>

namespace faultline::engine {

/// One guardrail as a fault meets it.
struct Reading {
  std::string rule;                   ///< the field of `guardrails`: "keep_quorum"
  std::string subject;                ///< where one rule has several limits: "orders"
  std::string limit;                  ///< "at most 1 of the 3 nodes of orders"
  std::string request;                ///< "make 2 (a-db, b-db)", after "would"
  std::string remedy;                 ///< what to do when it does not hold
  std::optional<double> most, asked;  ///< where the limit is a number, in `unit`
  std::string unit;                   ///< "%", "ms" or none
  std::set<std::string> names;        ///< what counts: "a-db", "b-db"
  bool holds = true;
};

/// A fault that asks, and what would be in force with it.
struct Asking {
  const faults::Plan& plan;
  const targets::World& world;
  const Radius& together;
  bool staging = false;
  bool approved = false;
  WallTime now;
};

/// Every guardrail that is set, as the fault meets it. Pure.
std::vector<Reading> readings(const Guardrails& guardrails, const Asking& asking);
/// max_duration, for a fault that is held for at least `held`.
Reading duration_reading(const Guardrails& guardrails, Duration held);

/// Refuses protected names that nothing here has: they would protect nothing. Error `usage`.
Result<> check_protected(const Guardrails& guardrails, const targets::World& world);

/// Whether faults of this class are injected only when a person agrees.
bool needs_approval(const Guardrails& guardrails, faults::Reversibility reversibility);

/// The refusal, with rule, limit, request, file and what to do. `who`: "az_partition of zone b".
Error refusal(const Reading& reading, const std::string& who, const Guardrails& guardrails);
/// "az_partition of zone b".
std::string who_asks(const std::string& fault, const faults::Plan& plan);

/// Keeps of each limit the reading that is nearest to it, or beyond.
void keep_tightest(std::vector<Reading>& kept, const std::vector<Reading>& more);

void to_json(targets::Json& out, const Reading& reading);

}  // namespace faultline::engine
