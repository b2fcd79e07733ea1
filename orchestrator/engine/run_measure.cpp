#include "orchestrator/engine/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

/// What a run measures and judges.
namespace faultline::engine {

void Run::collect() {
  // What was decided early is decided; its figures are of the whole window all the same.
  for (auto& o : objectives_) {
    if (o.summary && o.phase == "method") {
      auto whole = judge(o.expectation, probes_, environment_, o.from, o.to, true);
      whole.phase = o.phase;
      o = std::move(whole);
    }
  }
  doubt_what_a_busy_machine_broke();
  for (const auto& expectation : lost_) {
    add(judge(expectation, probes_, environment_, timeline_.start(), in_.clock.now(), true),
        "method");
  }
  if (in_.measure && !faults_.empty() && cancelled_.empty() && !judged_under_fault()) {
    life_.doubt(
        "the method expects nothing, so nothing was judged while a fault was in force; "
        "say what is to hold then with run:expect(...)");
  }
  if (const auto problem = probes_.problem(); !problem.empty() && in_.measure) {
    life_.doubt(problem);
  } else if (probes_.running()) {
    life_.doubt("a worker did not finish within " + in_words(drain_limit));
  }
  if (const auto lie = arrivals_.problem(probes_); !lie.empty()) {
    life_.doubt(lie);
  }
  for (const auto& m : probes_.all()) {
    if (m.writes && m.writes->acknowledged > 0 && m.writes->lost == m.writes->acknowledged) {
      life_.doubt(
          fmt::format("probe {}: none of its {} acknowledged writes is there: did it write "
                      "at all?",
                      m.probe.name, m.writes->acknowledged));
    }
  }
  for (const auto& o : objectives_) {
    if (o.recovery) {
      timeline_.tell("recovery", {{"probe", o.expectation.subject},
                                  {"actual_ms", o.recovery->actual_ms},
                                  {"objective_ms", to_ms(o.expectation.over)},
                                  {"censored", o.recovery->censored}});
    }
  }
}

/// An expectation of the method has a window in which a fault was in force.
bool Run::judged_under_fault() const {
  return std::ranges::any_of(objectives_, [this](const Objective& o) {
    return o.phase == "method" && std::ranges::any_of(faults_, [&](const auto& fault) {
             const auto until = fault->reverted_at().value_or(in_.clock.now());
             return fault->applied_at() && o.from < until && o.to > *fault->applied_at();
           });
  });
}

/// Nobody loses a write for being slow; everything else may be the machine's doing.
void Run::doubt_what_a_busy_machine_broke() {
  for (auto& o : objectives_) {
    const auto until = std::min(o.to, in_.clock.now());
    const auto busy = o.decision == slo::Decision::broken && o.expectation.sli != Sli::lost
                          ? machine_.disturbed(o.from, until)
                          : "";
    if (!busy.empty()) {
      o.decision = slo::Decision::undecided;
      o.reason = fmt::format("{} ({})", busy, o.reason);
      life_.doubt(o.reason);
    }
  }
}

void Run::tick() {
  const auto now = in_.clock.now();
  Json probes = Json::object();
  for (const auto& [name, lately] : probes_.lately()) {
    const auto& s = lately.answered;
    probes[name] = {
        {"requests", s.requests},    {"good", s.good},
        {"degraded", s.degraded},    {"bad", s.bad},
        {"waiting", lately.waiting}, {"p99_ms", std::isfinite(s.p99_ms) ? Json(s.p99_ms) : Json()}};
  }
  Json faults = Json::array();
  for (const auto& f : faults_) {
    if (f->life().in_force() && f->applied_at()) {
      faults.push_back(
          {{"id", f->id()}, {"summary", f->summary()}, {"age_ms", to_ms(now - *f->applied_at())}});
    }
  }
  timeline_.show("tick",
                 {{"phase", phase_name_},
                  {"phase_elapsed_ms", to_ms(now - phase_started_)},
                  {"phase_expected_ms", phase_expected_ ? Json(to_ms(*phase_expected_)) : Json()},
                  {"probes", probes},
                  {"faults", faults}});
  tick_ = later(tick_every, [this] { tick(); });
}

void Run::watch_usage() {
  constexpr Duration every = std::chrono::seconds(1);
  watch_ = later(every, [this] {
    in_.target.observe([this, alive = std::weak_ptr(alive_)](const Result<targets::World>& world) {
      if (alive.expired() || !watch_) {
        return;
      }
      if (world) {
        usage_.look(*world, in_.clock.now(), any_in_force());
        machine_.look(*world, in_.clock.now());
        arrivals_.look(*world);
      }
      watch_usage();
    });
  });
}

void Run::add(Objective objective, const std::string& phase) {
  objective.phase = phase;
  auto told = objective.record();
  told["objective_name"] = objective.name;  // an event's own name is what it is
  timeline_.tell("objective", std::move(told));
  if (objective.decision == slo::Decision::broken) {
    life_.missed(objective.reason);
  } else if (objective.decision == slo::Decision::undecided) {
    life_.doubt(objective.reason);
  }
  objectives_.push_back(std::move(objective));
}

std::vector<Expectation> Run::steady_state() const {
  std::vector<Expectation> wanted;
  for (const auto& [name, expectation] : environment_.objectives) {
    const auto& named = in_.experiment.steady_state;
    if (named.empty() || std::ranges::find(named, name) != named.end()) {
      wanted.push_back(expectation);
    }
  }
  return wanted;
}

void Run::judge_steady_state(const std::string& phase, Instant from, Instant to,
                             bool missing_is_doubt, const Told& told) {
  const auto expected = steady_state();
  for (std::size_t place = 0; place < expected.size(); ++place) {
    const auto answered = told.objectives.find(place);
    auto objective = is_monitored(expected[place].sli)
                         ? open_objective(expected[place], from, to)
                         : judge(expected[place], probes_, environment_, from, to, true);
    if (answered != told.objectives.end()) {
      objective = answered->second;
    }
    if (objective.decision == slo::Decision::undecided && objective.reason.empty()) {
      objective.reason = objective.name + ": Prometheus did not answer in time";
    }
    if (missing_is_doubt && objective.decision == slo::Decision::broken) {
      objective.decision = slo::Decision::undecided;
      objective.reason = "the baseline did not hold: " + objective.reason;
    }
    add(std::move(objective), phase);
  }
}

}  // namespace faultline::engine
