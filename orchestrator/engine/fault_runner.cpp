#include "orchestrator/engine/fault_runner.hpp"

#include <fmt/format.h>

namespace faultline::engine {
namespace {

FaultLife::Shape shape_of(const faults::Plan& plan) {
  FaultLife::Shape shape{.resources = {},
                         .effect_within = plan.effect_within,
                         .looks_before = !plan.before.empty(),
                         .completes_within = std::nullopt};
  for (const auto& action : plan.actions) {
    shape.resources.push_back(action.resource);
  }
  if (!plan.completion.empty()) {
    shape.completes_within = plan.completes_within;
  }
  return shape;
}

template <class T>
std::optional<Error> error_of(const Result<T>& result) {
  return result ? std::nullopt : std::optional(result.error());
}

bool is_lost(const Error& error) {
  return error.kind == ErrorKind::timeout || error.kind == ErrorKind::io;
}

}  // namespace

FaultRunner::FaultRunner(FaultPorts& ports, std::string id, std::string fault, Json params,
                         faults::Plan plan, targets::World world)
    : ports_(ports),
      id_(std::move(id)),
      fault_(std::move(fault)),
      params_(std::move(params)),
      plan_(std::move(plan)),
      world_(std::move(world)),
      life_(shape_of(plan_)),
      outcomes_(plan_.actions.size(), "not applied") {}

std::string FaultRunner::summary() const {
  std::string text;
  for (const auto& action : plan_.actions) {
    text += (text.empty() ? "" : "; ") + action.summary;
  }
  return text;
}

void FaultRunner::feed(FaultLife::Event event) {
  const auto before = life_.state();
  const bool was_there = life_.faded().empty();
  const auto commands = life_.on(event, ports_.clock.now());
  if (life_.state() != before) {
    tell_transition(before);
  }
  if (was_there && !life_.faded().empty()) {
    ports_.timeline.tell("effect_gone",
                         {{"fault", fault_}, {"id", id_}, {"evidence", life_.faded()}});
  }
  for (const auto& command : commands) {
    std::visit([this](const auto& c) { run(c); }, command);
  }
  ports_.changed();
}

void FaultRunner::tell_transition(FaultLife::State before) {
  using State = FaultLife::State;
  const auto now = ports_.clock.now();
  Json event = {{"fault", fault_}, {"id", id_}, {"summary", summary()}};
  const auto tell = [&](const char* name) { ports_.timeline.tell(name, event); };
  switch (life_.state()) {
    case State::held:
      effective_at_ = now;
      event["evidence"] = life_.evidence();
      return tell("effect_proved");
    case State::reverting:
      reverting_at_ = now;
      event["reason"] = life_.problem();
      if (before == State::proving && !life_.effect_proved()) {
        event["evidence"] = life_.evidence();
        tell("effect_missing");
      } else if (before == State::completing) {
        event["evidence"] = life_.completion();
        tell(life_.incomplete() ? "completion_missing" : "completed");
      }
      return tell("fault_reverting");
    case State::settling:
    case State::left:
      if (before == State::reverting) {
        reverted_at_ = now;
        tell("fault_reverted");
      }
      return;
    case State::closed:
      return ports_.timeline.tell("residue", {{"fault", id_}, {"differences", Json::array()}});
    case State::stuck:
      return ports_.timeline.tell("residue", {{"fault", id_}, {"differences", life_.residue()}});
    case State::refused:
      event["reason"] = life_.problem();
      return tell("fault_refused");
    default:
      return;
  }
}

void FaultRunner::run(const FaultLife::Claim&) {
  feed(FaultLife::Claimed{
      error_of(ports_.ledger.claim({id_, fault_, plan_}, world_, ports_.clock.wall()))});
}

void FaultRunner::run(const FaultLife::Record& command) {
  Json record = {{"type", command.type}, {"fault", id_}, {"at", rfc3339(ports_.clock.wall())}};
  record.update(ports_.journal_context);
  record["epoch"] = ports_.epoch;
  if (!ports_.by.empty()) {
    record["by"] = ports_.by;
  }
  if (command.type == "intended") {
    intended_at_ = ports_.clock.now();
    record["before"] = ports_.before;
    record["kind"] = fault_;
    record["actions"] = plan_.actions;
    record["resources"] = plan_.resources;
    ports_.may_move.insert(plan_.may_move.begin(), plan_.may_move.end());
    record["may_move"] = ports_.may_move;
    ports_.timeline.tell("fault_intended",
                         {{"fault", fault_}, {"id", id_}, {"summary", summary()}});
  }
  const bool awaited = command.type == "intended";
  if (awaited && ports_.guarded && !ports_.guarded()) {
    return feed(FaultLife::Recorded{
        Error{ErrorKind::refused, "no guard watches this process; see guard.log in its home"}});
  }
  ports_.journal.append(std::move(record), [me = weak_from_this(), awaited](const auto& written) {
    const auto self = me.lock();
    if (!self) {
      return;  // the run did not wait for its last records, and is over
    }
    if (awaited) {
      self->feed(FaultLife::Recorded{error_of(written)});
    } else if (!written) {
      self->ports_.timeline.tell("note", {{"text", "journal: " + written.error().message}});
    }
  });
}

void FaultRunner::run(const FaultLife::Arm& command) {
  ports_.target.arm(plan_.actions[command.action], ports_.epoch,
                    [self = shared_from_this()](const Result<>& result) {
                      self->feed(FaultLife::Armed{error_of(result)});
                    });
}

void FaultRunner::run(const FaultLife::Apply& command) {
  const auto i = command.action;
  if (!applied_at_) {
    applied_at_ = ports_.clock.now();
  }
  ports_.target.apply(
      plan_.actions[i], ports_.epoch, [self = shared_from_this(), i](const auto& result) {
        // Only a lost answer leaves it open whether anything changed.
        const auto outcome = result                    ? *result
                             : is_lost(result.error()) ? targets::Outcome::unknown
                                                       : targets::Outcome::refused;
        self->outcomes_[i] = to_string(outcome);
        if (outcome != targets::Outcome::refused) {
          // Late: it was aborted meanwhile, and what it changed is undone or being undone.
          self->ports_.timeline.tell("fault_applied",
                                     {{"fault", self->fault_},
                                      {"id", self->id_},
                                      {"summary", self->plan_.actions[i].summary},
                                      {"outcome", to_string(outcome)},
                                      {"late", self->life_.state() != FaultLife::State::applying}});
        }
        self->feed(FaultLife::Applied{outcome, result ? "" : result.error().message});
      });
}

/// Asks the checks one after the other and stops at the first that does not hold.
void FaultRunner::ask(const std::vector<targets::Check>& checks, std::size_t from,
                      const std::string& evidence, const Answered& answered) {
  if (from == checks.size()) {
    return answered(true, evidence);
  }
  const auto& asked = checks[from];
  ports_.target.check(asked, [self = shared_from_this(), &checks, from, evidence, answered,
                              summary = asked.summary](const auto& result) {
    const auto found = result ? result->evidence : result.error().message;
    const auto told = found == summary ? summary : summary + ": " + found;
    const auto seen = evidence.empty() ? told : evidence + "; " + told;
    if (result && result->holds && self->life_.asks()) {
      self->ask(checks, from + 1, seen, answered);
    } else {
      answered(false, "not seen: " + seen);
    }
  });
}

void FaultRunner::run(const FaultLife::Look&) {
  ask(plan_.before, 0, "", [this](bool all_hold, std::string evidence) {
    feed(FaultLife::Looked{all_hold, std::move(evidence)});
  });
}

void FaultRunner::run(const FaultLife::Prove&) {
  ask(plan_.effect, 0, "", [this](bool all_hold, std::string evidence) {
    feed(FaultLife::Proved{all_hold, std::move(evidence)});
  });
}

void FaultRunner::run(const FaultLife::Complete&) {
  ask(plan_.completion, 0, "", [this](bool all_hold, std::string evidence) {
    feed(FaultLife::Completed{all_hold, std::move(evidence)});
  });
}

void FaultRunner::run(const FaultLife::Revert& command) {
  const auto i = command.action;
  ports_.target.revert(plan_.actions[i], ports_.epoch,
                       [self = shared_from_this(), i](const Result<>& result) {
                         self->feed(FaultLife::Reverted{i, error_of(result)});
                       });
}

void FaultRunner::run(const FaultLife::Compare&) {
  ports_.compare([self = shared_from_this()](FaultLife::Compared compared) {
    self->feed(std::move(compared));
  });
}

void FaultRunner::run(const FaultLife::Release&) {
  ports_.ledger.release(id_);
}

void FaultRunner::run(const FaultLife::Wake& command) {
  const int wake = next_wake_++;
  wakes_[wake] = ports_.clock.at(ports_.clock.now() + command.after, [this, wake] {
    const auto fired = wakes_.extract(wake);
    feed(FaultLife::Tick{});
  });
}

Json FaultRunner::effect_record() const {
  const bool looked = !life_.before().empty();
  const bool asked = life_.completed() || life_.incomplete();
  return {{"proved", life_.effect_proved()},
          {"evidence", life_.evidence()},
          {"gone", life_.faded().empty() ? Json() : Json(life_.faded())},
          {"before", looked ? Json(life_.before()) : Json()},
          {"completed", asked ? Json(life_.completed()) : Json()},
          {"completion", asked ? Json(life_.completion()) : Json()}};
}

Json FaultRunner::record() const {
  Json actions = Json::array();
  for (std::size_t i = 0; i < plan_.actions.size(); ++i) {
    const auto& a = plan_.actions[i];
    actions.push_back({{"id", a.id},
                       {"kind", a.kind},
                       {"summary", a.summary},
                       {"undo_summary", a.undo_summary},
                       {"outcome", outcomes_[i]}});
  }
  Json out = {{"id", id_},
              {"fault", fault_},
              {"params", params_},
              {"reversibility", faults::to_string(plan_.reversibility)},
              {"resources", plan_.resources},
              {"end_state", plan_.end_state},
              {"lasting_changes", lasting_},
              {"actions", actions},
              {"effect", effect_record()},
              {"state", to_string(life_.state())},
              {"residue", life_.residue()}};
  ports_.timeline.stamp(out, "intended_at", intended_at_);
  ports_.timeline.stamp(out, "applied_at", applied_at_);
  ports_.timeline.stamp(out, "effective_at", effective_at_);
  ports_.timeline.stamp(out, "reverting_at", reverting_at_);
  ports_.timeline.stamp(out, "reverted_at", reverted_at_);
  return out;
}

}  // namespace faultline::engine
