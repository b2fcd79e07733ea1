#include "orchestrator/engine/fault_plan.hpp"
#include "orchestrator/engine/run.hpp"

#include <fmt/format.h>

#include <algorithm>

/// What a method may ask for. Everything here runs in the method's fiber.
namespace faultline::engine {

void Run::block(const std::function<bool()>& condition) {
  fiber_->wait([&] {
    if (!cancelled_.empty()) {
      throw Failure({ErrorKind::cancelled, cancelled_});
    }
    return condition();
  });
}

/// Ends the method, whatever the script does about it: the run is inconclusive for `reason`.
void Run::give_up(const std::string& reason) {
  life_.doubt(reason);
  cancelled_ = reason;
  if (in_.experiment.cancel) {
    in_.experiment.cancel(reason);
  }
  throw Failure({ErrorKind::cancelled, reason});
}

targets::World Run::world() {
  std::optional<Result<targets::World>> answer;
  in_.target.observe([&](Result<targets::World> world) {
    answer = std::move(world);
    changed();
  });
  // Not interruptible: the answer is written into this frame.
  fiber_->wait([&] { return answer.has_value(); });
  return answer->value();
}

void Run::baseline(std::optional<Duration> length, const Place& place) {
  block([] { return true; });
  if (baseline_done_) {
    throw Failure({ErrorKind::usage,
                   fmt::format("{}:{}: the baseline is measured once, before the first fault",
                               place.file, place.line)});
  }
  baseline_done_ = true;
  if (!in_.measure) {
    return enter("method", std::nullopt);
  }
  const auto window = length.value_or(environment_.baseline);
  enter("baseline", environment_.warm_up + window);
  wait(environment_.warm_up);
  const auto from = in_.clock.now();
  measured_from_ = from;
  baseline_until_ = from + window;
  wait(window);
  const auto give_up_at = in_.clock.now() + environment_.client_deadline;
  wake_ = later(environment_.client_deadline, [this] { changed(); });
  block([&] { return probes_.seen_until() >= from + window || in_.clock.now() >= give_up_at; });
  const auto told = ask_steady_state(from, from + window);
  const auto told_by = from + window + told_after();
  wake_ = later(told_by - in_.clock.now(), [this] { changed(); });
  block([&] { return told->open == 0 || in_.clock.now() >= told_by; });
  judge_steady_state("baseline", from, from + window, true, *told);
  const auto failed = std::ranges::find_if(objectives_, [](const Objective& o) {
    return o.phase == "baseline" && o.decision != slo::Decision::holds;
  });
  if (failed != objectives_.end()) {
    give_up(failed->reason);
  }
  if (const auto busy = machine_.disturbed(from, from + window); !busy.empty()) {
    give_up("the baseline shows nothing: " + busy);
  }
  enter("method", std::nullopt);
}

std::shared_ptr<FaultRunner> Run::prepare(const FaultRequest& request, const targets::World& world,
                                          std::size_t number) {
  const auto id = fmt::format("{}.f{}", in_.id, number);
  auto fault = plan_fault(request, world, in_.target.capabilities(), environment_.guardrails, id);
  if (!fault) {
    throw Failure(fault.error());
  }
  return std::make_shared<FaultRunner>(ports_, id, request.fault, std::move(fault->params),
                                       std::move(fault->plan), world);
}

/// What another run did to this environment is not in this one's ledger.
void Run::require_alone(const targets::World& seen) {
  for (const auto& other : seen.in_force) {
    if (!other.action.id.starts_with(in_.id + ".")) {
      give_up(
          fmt::format("{} of another run is in force: {}", other.action.id, other.action.summary));
    }
  }
}

/// All of them fit, or none is begun. What was undone counts until it is verified: where only that
/// is in the way, it is waited for. False when it was: what they were planned on has passed.
bool Run::fits(const std::vector<std::shared_ptr<FaultRunner>>& planned,
               const std::vector<FaultRequest>& requests, const targets::World& seen) {
  std::vector<Claim> claims;
  for (std::size_t i = 0; i < planned.size(); ++i) {
    claims.push_back({planned[i]->id(), requests[i].fault, planned[i]->plan()});
  }
  const auto settling = [](const auto& fault) {
    return fault->life().state() == FaultLife::State::settling;
  };
  auto allowed = ledger_.allows(claims, seen, in_.clock.wall());
  if (allowed) {
    return true;
  }
  block([&] {
    allowed = ledger_.allows(claims, seen, in_.clock.wall());
    return allowed || any_in_force() || std::ranges::none_of(faults_, settling);
  });
  if (!allowed) {
    timeline_.tell("fault_refused", {{"fault", claims.front().fault},
                                     {"id", claims.front().id},
                                     {"summary", planned.front()->summary()},
                                     {"reason", allowed.error().message}});
    give_up(allowed.error().message);
  }
  return false;
}

/// A guard that died is replaced within a second or so; without one nothing is injected.
void Run::require_guard() {
  const auto until = in_.clock.now() + guard_limit;
  wake_ = later(guard_limit, [this] { changed(); });
  block([&] { return !in_.guarded || in_.guarded() || in_.clock.now() >= until; });
}

std::vector<FaultId> Run::inject(const std::vector<FaultRequest>& requests) {
  if (!baseline_done_) {
    baseline(std::nullopt, requests.empty() ? Place{} : requests.front().place);
  }
  block([] { return true; });
  if (faults_.empty()) {
    require_unchanged();
  }
  std::vector<std::shared_ptr<FaultRunner>> planned;  // all are planned before any is begun
  targets::World seen;
  do {
    seen = world();
    require_alone(seen);
    planned.clear();
    for (const auto& request : requests) {
      planned.push_back(prepare(request, seen, faults_.size() + planned.size() + 1));
    }
  } while (!fits(planned, requests, seen));
  std::vector<FaultId> ids;
  if (in_.without_faults) {
    for (const auto& request : requests) {
      ids.push_back({left_out_.size()});
      left_out_.push_back(in_.clock.now());
      timeline_.tell("left_out", {{"fault", request.fault}});
    }
    return ids;
  }
  require_guard();
  for (auto& fault : planned) {
    ids.push_back({faults_.size()});
    faults_.push_back(std::move(fault));
  }
  for (const auto id : ids) {
    faults_[id.index]->begin();
  }
  block([&] {
    return std::ranges::all_of(ids, [&](FaultId id) {
      const auto state = faults_[id.index]->life().state();
      return state >= FaultLife::State::held;
    });
  });
  for (const auto id : ids) {
    const auto& life = faults_[id.index]->life();
    if (life.state() != FaultLife::State::held) {
      give_up(fmt::format("{}: {}", faults_[id.index]->id(), life.problem()));
    }
  }
  return ids;
}

std::optional<Instant> Run::begun_at(FaultId fault) const {
  return in_.without_faults ? left_out_.at(fault.index) : faults_.at(fault.index)->applied_at();
}

void Run::revert(FaultId fault) {
  if (in_.without_faults) {
    return block([] { return true; });
  }
  const auto& runner = faults_.at(fault.index);
  runner->end("");
  block([&] { return runner->life().state() >= FaultLife::State::settling; });
  if (runner->life().state() == FaultLife::State::stuck) {
    give_up("undo incomplete: " + runner->id());
  }
  if (runner->life().incomplete()) {
    give_up(fmt::format("{}: {}", runner->id(), runner->life().problem()));
  }
}

void Run::wait(Duration length) {
  const auto until = in_.clock.now() + length;
  wake_ = later(length, [this] { changed(); });
  block([&] { return in_.clock.now() >= until; });
}

Expectation Run::resolved(const Expectation& expectation) const {
  const auto at = fmt::format("{}:{}", expectation.place.file, expectation.place.line);
  if (expectation.versus && !baseline_until_) {
    throw Failure({ErrorKind::usage, fmt::format("{}: {}: there is no baseline yet to compare with",
                                                 at, in_words(expectation))});
  }
  auto known = against_baseline(expectation, probes_, measured_from_.value_or(Instant{}),
                                baseline_until_.value_or(Instant{}));
  if (!known) {
    throw Failure({known.error().kind, fmt::format("{}: {}", at, known.error().message)});
  }
  return *known;
}

/// Returns what is left until `latest`, when it is known at the latest.
Duration Run::tell_expecting(const Expectation& expectation, Instant latest) {
  const auto left = std::max(latest - in_.clock.now(), Duration::zero());
  timeline_.tell("expecting", {{"objective", in_words(expectation)}, {"at_most_ms", to_ms(left)}});
  phase_expected_ = in_.clock.now() + left - phase_started_;
  return left;
}

bool Run::settle(Objective objective) {
  const bool holds = objective.decision == slo::Decision::holds;
  add(std::move(objective), "method");
  return holds;
}

bool Run::expect(const Expectation& asked) {
  block([] { return true; });
  if (!in_.measure) {
    return true;
  }
  auto expectation = resolved(asked);
  if (in_.without_faults && expectation.sli == Sli::alert) {
    expectation.sli = Sli::quiet;
  }
  if (expectation.sli == Sli::lost) {
    lost_.push_back(expectation);
    return true;
  }
  const auto from = expectation.from ? begun_at(*expectation.from) : std::optional(in_.clock.now());
  const auto to = *from + expectation.over;
  if (is_monitored(expectation.sli)) {
    tell_expecting(expectation, to + arrival_delay(expectation.sli, environment_.prometheus));
    return settle(expect_monitored(expectation, *from, to));
  }
  const auto latest = (expectation.sli == Sli::recovery ? *from + environment_.recovery_cap : to) +
                      environment_.client_deadline + tick_every;  // the last answers are reported
  wake_ = later(tell_expecting(expectation, latest), [this] { changed(); });
  Objective objective;
  block([&] {
    objective = judge(expectation, probes_, environment_, *from, to, in_.clock.now() >= latest);
    return objective.decision != slo::Decision::undecided || in_.clock.now() >= latest ||
           !probes_.problem().empty();
  });
  if (objective.decision == slo::Decision::undecided) {
    const auto problem = probes_.problem();
    objective = judge(expectation, probes_, environment_, *from, to, true);
    objective.reason = !problem.empty()           ? problem
                       : objective.reason.empty() ? objective.name + ": not decided in time"
                                                  : objective.reason;
  }
  return settle(std::move(objective));
}

void Run::stop_when(const StopCondition& condition) {
  block([] { return true; });
  timeline_.tell("stop_when", {{"condition", in_words(condition)}});
  stop_conditions_.add(condition, in_.clock.now());
}

void Run::declare(const std::string& reason, const Place& /*place*/) {
  block([] { return true; });
  declarations_.push_back(in_.clock.now());
  timeline_.tell("declared", {{"reason", reason}});
}

void Run::note(const std::string& text) {
  timeline_.tell("note", {{"text", text}});
}

}  // namespace faultline::engine
