#include "faults/catalog.hpp"
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
  const auto window = length.value_or(in_.environment.baseline);
  enter("baseline", in_.environment.warm_up + window);
  wait(in_.environment.warm_up);
  const auto from = in_.clock.now();
  measured_from_ = from;
  wait(window);
  const auto give_up_at = in_.clock.now() + in_.environment.client_deadline;
  wake_ = later(in_.environment.client_deadline, [this] { changed(); });
  block([&] { return probes_.seen_until() >= from + window || in_.clock.now() >= give_up_at; });
  judge_steady_state("baseline", from, from + window, true);
  const auto failed = std::ranges::find_if(objectives_, [](const Objective& o) {
    return o.phase == "baseline" && o.decision != slo::Decision::holds;
  });
  if (failed != objectives_.end()) {
    give_up(failed->reason);
  }
  enter("method", std::nullopt);
}

std::shared_ptr<FaultRunner> Run::plan_fault(const FaultRequest& request,
                                             const targets::World& world, std::size_t number) {
  const auto at = [&](const Error& error) {
    return Failure({error.kind, fmt::format("{}:{}: {}", request.place.file, request.place.line,
                                            error.message)});
  };
  const auto kind = faults::find(request.fault);
  if (!kind) {
    throw at(kind.error());
  }
  auto params = faults::validate(**kind, request.params, world);
  if (!params) {
    throw at(params.error());
  }
  const auto id = fmt::format("{}.f{}", in_.id, number);
  auto plan = (*kind)->plan(world, *params, id);
  if (!plan) {
    throw at(plan.error());
  }
  const auto capabilities = in_.target.capabilities();
  for (auto& action : plan->actions) {
    if (!capabilities.contains(action.kind)) {
      throw at(
          {ErrorKind::unsupported, fmt::format("{} needs '{}', which this environment cannot do",
                                               request.fault, action.kind)});
    }
    action.max_duration = in_.environment.guardrails.max_duration;
  }
  return std::make_shared<FaultRunner>(ports_, id, request.fault, *params, *plan, world);
}

std::vector<FaultId> Run::inject(const std::vector<FaultRequest>& requests) {
  if (!baseline_done_) {
    baseline(std::nullopt, requests.empty() ? Place{} : requests.front().place);
  }
  block([] { return true; });
  if (faults_.empty()) {
    require_unchanged();
  }
  const auto seen = world();
  std::vector<std::shared_ptr<FaultRunner>> planned;  // all are planned before any is begun
  for (const auto& request : requests) {
    planned.push_back(plan_fault(request, seen, faults_.size() + planned.size() + 1));
  }
  std::vector<FaultId> ids;
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

void Run::revert(FaultId fault) {
  const auto& runner = faults_.at(fault.index);
  runner->end("");
  block([&] { return runner->life().state() >= FaultLife::State::settling; });
  if (runner->life().state() == FaultLife::State::stuck) {
    give_up("undo incomplete: " + runner->id());
  }
}

void Run::wait(Duration length) {
  const auto until = in_.clock.now() + length;
  wake_ = later(length, [this] { changed(); });
  block([&] { return in_.clock.now() >= until; });
}

bool Run::expect(const Expectation& expectation) {
  block([] { return true; });
  if (!in_.measure) {
    return true;
  }
  if (expectation.sli == Sli::lost) {
    lost_.push_back(expectation);
    return true;
  }
  const auto from = expectation.from ? faults_.at(expectation.from->index)->applied_at()
                                     : std::optional(in_.clock.now());
  const auto to = *from + expectation.over;
  const auto latest =
      (expectation.sli == Sli::recovery ? *from + in_.environment.recovery_cap : to) +
      in_.environment.client_deadline;
  const auto left = std::max(latest - in_.clock.now(), Duration::zero());
  timeline_.tell("expecting", {{"objective", in_words(expectation)}, {"at_most_ms", to_ms(left)}});
  phase_expected_ = in_.clock.now() + left - phase_started_;
  wake_ = later(left, [this] { changed(); });
  Objective objective;
  block([&] {
    objective = judge(expectation, probes_, in_.environment, *from, to, in_.clock.now() >= latest);
    return objective.decision != slo::Decision::undecided || in_.clock.now() >= latest ||
           !probes_.problem().empty();
  });
  if (objective.decision == slo::Decision::undecided && objective.reason.empty()) {
    const auto problem = probes_.problem();
    objective.reason = problem.empty() ? objective.name + ": not decided in time" : problem;
  }
  const bool holds = objective.decision == slo::Decision::holds;
  add(std::move(objective), "method");
  return holds;
}

void Run::note(const std::string& text) {
  timeline_.tell("note", {{"text", text}});
}

}  // namespace faultline::engine
