#include "orchestrator/engine/fault_life.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faultline::engine {

FaultLife::FaultLife(Shape shape) : shape_(std::move(shape)), undos_(shape_.resources.size()) {}

std::vector<FaultLife::Command> FaultLife::on(const Event& event, Instant now) {
  return std::visit([&](const auto& e) { return handle(e, now); }, event);
}

FaultLife::Commands FaultLife::handle(const Begin&, Instant) {
  state_ = State::claiming;
  return {Claim{}};
}

FaultLife::Commands FaultLife::handle(const Resume&, Instant now) {
  for (auto& undo : undos_) {
    undo.armed = true;
  }
  return start_reverting(now);
}

FaultLife::Commands FaultLife::handle(const Claimed& e, Instant) {
  if (e.error || end_asked_) {
    state_ = State::refused;
    problem_ = e.error ? e.error->message : problem_;
    return e.error ? Commands{} : Commands{Release{}};
  }
  state_ = State::journalling;
  return {Record{"intended"}};
}

FaultLife::Commands FaultLife::handle(const Recorded& e, Instant) {
  if (state_ != State::journalling) {
    return {};  // later records are written as well as can be; nothing waits for them
  }
  if (e.error) {
    state_ = State::refused;
    problem_ =
        "nothing was injected, because the journal could not be written: " + e.error->message;
    return {Release{}};
  }
  if (end_asked_) {
    state_ = State::refused;
    return {Record{"closed"}, Release{}};
  }
  state_ = State::arming;
  undos_[0].armed = true;
  return {Arm{0}};
}

FaultLife::Commands FaultLife::handle(const Armed& e, Instant now) {
  if (e.error) {
    problem_ = "the target refused to arm its deadline: " + e.error->message;
    return start_reverting(now);
  }
  if (end_asked_) {
    return start_reverting(now);
  }
  if (++next_ < shape_.resources.size()) {
    undos_[next_].armed = true;
    return {Arm{next_}};
  }
  if (shape_.looks_before) {
    state_ = State::looking;
    answer_pending_ = true;
    return {Look{}};
  }
  return start_applying(now);
}

FaultLife::Commands FaultLife::handle(const Looked& e, Instant now) {
  answer_pending_ = false;
  if (state_ != State::looking) {
    return {};
  }
  before_ = e.evidence;
  if (!e.all_hold) {
    problem_ = "nothing was applied, because what the effect is measured against did not hold: " +
               e.evidence;
  }
  return e.all_hold ? start_applying(now) : start_reverting(now);
}

FaultLife::Commands FaultLife::start_applying(Instant now) {
  state_ = State::applying;
  next_ = 0;
  answer_pending_ = true;
  if (shape_.completes_within) {
    complete_until_ = now + *shape_.completes_within;
  }
  return {Apply{0}};
}

FaultLife::Commands FaultLife::handle(const Applied& e, Instant now) {
  answer_pending_ = false;
  if (state_ != State::applying) {
    return {};
  }
  if (e.outcome == targets::Outcome::refused) {
    problem_ = "the target refused the action: " + e.detail;
    return start_reverting(now);
  }
  answer_pending_ = true;
  if (++next_ < shape_.resources.size()) {
    return {Apply{next_}};
  }
  state_ = State::proving;
  prove_until_ = now + shape_.effect_within;
  return {Record{"applied"}, Prove{}};
}

FaultLife::Commands FaultLife::handle(const Proved& e, Instant now) {
  answer_pending_ = false;
  if (state_ == State::held) {
    return look_again(e);
  }
  if (state_ != State::proving) {
    return {};
  }
  evidence_ = e.evidence;
  if (e.all_hold) {
    proved_ = true;
    state_ = State::held;
    return shape_.completes_within ? Commands{} : Commands{Wake{look_again_every}};
  }
  if (now < *prove_until_) {
    return {Wake{proof_pause}};
  }
  problem_ = fmt::format("the effect was not proved within {}: {}", in_words(shape_.effect_within),
                         e.evidence);
  return start_reverting(now);
}

/// Somebody may undo a fault while it is held, and nobody would know.
FaultLife::Commands FaultLife::look_again(const Proved& e) {
  not_seen_ = e.all_hold ? 0 : not_seen_ + 1;
  if (not_seen_ >= fades_after && faded_.empty()) {
    faded_ = e.evidence;
  }
  return {Wake{e.all_hold ? look_again_every : proof_pause}};
}

FaultLife::Commands FaultLife::handle(const End& e, Instant now) {
  if (!end_asked_) {
    end_asked_ = true;
    if (problem_.empty()) {
      problem_ = e.reason;
    }
  }
  if (state_ == State::fresh) {
    state_ = State::refused;
    return {};
  }
  if (state_ == State::held && complete_until_ && !e.at_once) {
    state_ = State::completing;
    answer_pending_ = true;
    return {Complete{}};
  }
  switch (state_) {
    case State::completing:
      return e.at_once ? start_reverting(now) : Commands{};
    case State::looking:  // whatever answer is out is not waited for: an apply may take a minute
    case State::applying:
    case State::proving:
    case State::held:
      return start_reverting(now);
    default:  // in the steps before nothing is in force, and their answer finds `end_asked_`
      return {};
  }
}

FaultLife::Commands FaultLife::handle(const Leave&, Instant now) {
  leaving_ = true;
  if (state_ == State::settling) {
    state_ = State::left;
  }
  return handle(End{.reason = "", .at_once = true}, now);
}

FaultLife::Commands FaultLife::handle(const Completed& e, Instant now) {
  answer_pending_ = false;
  if (state_ != State::completing) {
    return {};
  }
  completion_ = e.evidence;
  completed_ = e.all_hold;
  if (!completed_ && now < *complete_until_) {
    return {Wake{completion_pause}};
  }
  if (!completed_) {
    incomplete_ = true;
    problem_ = fmt::format("it had not done all by itself {} after it began: {}",
                           in_words(*shape_.completes_within), e.evidence);
  }
  return start_reverting(now);
}

FaultLife::Commands FaultLife::start_reverting(Instant now) {
  state_ = State::reverting;
  auto commands = continue_reverting(now);
  // After the reverts: a slow disk must not hold them up, and `intended` is what recovery needs.
  const auto first = std::ranges::find_if(
      commands, [](const Command& c) { return !std::holds_alternative<Revert>(c); });
  commands.insert(first, Record{"reverting"});
  return commands;
}

/// Newest first within a resource; resources do not wait for each other.
FaultLife::Commands FaultLife::continue_reverting(Instant now) {
  Commands commands;
  bool all_done = true;
  for (std::size_t i = undos_.size(); i-- > 0;) {
    auto& undo = undos_[i];
    if (!undo.armed || undo.done || undo.failed) {
      continue;
    }
    all_done = false;
    const bool due = !undo.retry_at || now >= *undo.retry_at;
    if (!undo.pending && due && !newer_pending(i)) {
      undo.pending = true;
      ++undo.attempts;
      commands.emplace_back(Revert{i});
    }
  }
  if (all_done && !residue_.empty()) {
    state_ = State::stuck;
  } else if (all_done) {
    state_ = leaving_ ? State::left : State::settling;
    commands.emplace_back(Record{"reverted"});
    if (!leaving_) {
      commands.emplace_back(Compare{});
    }
  }
  return commands;
}

bool FaultLife::newer_pending(std::size_t action) const {
  for (std::size_t i = action + 1; i < undos_.size(); ++i) {
    if (shape_.resources[i] == shape_.resources[action] && undos_[i].armed && !undos_[i].done &&
        !undos_[i].failed) {
      return true;
    }
  }
  return false;
}

FaultLife::Commands FaultLife::handle(const Reverted& e, Instant now) {
  auto& undo = undos_[e.action];
  undo.pending = false;
  if (state_ != State::reverting) {
    return {};
  }
  // Fenced: a newer owner or the target's own lease has the undo now; comparing tells whether it
  // did. Not found: the environment is gone, and everything done to it.
  if (!e.error || e.error->kind == ErrorKind::fenced || e.error->kind == ErrorKind::not_found) {
    undo.done = true;
    return continue_reverting(now);
  }
  if (undo.attempts >= revert_attempts || e.error->kind == ErrorKind::conflict) {
    undo.failed = true;
    residue_.push_back(fmt::format("{}: {}", shape_.resources[e.action], e.error->message));
    return continue_reverting(now);
  }
  const auto backoff = std::min(first_backoff * (1 << (undo.attempts - 1)), longest_backoff);
  undo.retry_at = now + backoff;
  return {Wake{backoff}};
}

FaultLife::Commands FaultLife::handle(const Compared& e, Instant now) {
  if (state_ != State::settling) {
    return {};
  }
  if (e.waiting) {
    settle_until_.reset();
    return {Wake{compare_pause}};
  }
  residue_ = e.differences;
  if (residue_.empty()) {
    state_ = State::closed;
    return {Record{"closed"}, Release{}};
  }
  if (!settle_until_) {
    settle_until_ = now + settling_limit;
  }
  if (now < *settle_until_) {
    return {Wake{compare_pause}};
  }
  state_ = State::stuck;
  return {};
}

FaultLife::Commands FaultLife::handle(const Tick&, Instant now) {
  switch (state_) {
    case State::proving:
    case State::held:
      if (answer_pending_) {
        return {};
      }
      answer_pending_ = true;
      return {Prove{}};
    case State::completing:
      if (answer_pending_) {
        return {};
      }
      answer_pending_ = true;
      return {Complete{}};
    case State::reverting:
      return continue_reverting(now);
    case State::settling:
      return {Compare{}};
    default:
      return {};
  }
}

bool FaultLife::in_force() const {
  switch (state_) {
    case State::arming:
    case State::looking:
    case State::applying:
    case State::proving:
    case State::held:
    case State::completing:
    case State::reverting:
      return true;
    default:
      return false;
  }
}

bool FaultLife::asks() const {
  return state_ == State::looking || state_ == State::proving || state_ == State::held ||
         state_ == State::completing;
}

bool FaultLife::over() const {
  return !answer_pending_ && state_ >= State::left;
}

std::string_view to_string(FaultLife::State state) {
  switch (state) {
    case FaultLife::State::fresh:
      return "fresh";
    case FaultLife::State::claiming:
      return "claiming";
    case FaultLife::State::journalling:
      return "journalling";
    case FaultLife::State::arming:
      return "arming";
    case FaultLife::State::looking:
      return "looking";
    case FaultLife::State::applying:
      return "applying";
    case FaultLife::State::proving:
      return "proving";
    case FaultLife::State::held:
      return "in force";
    case FaultLife::State::completing:
      return "completing";
    case FaultLife::State::reverting:
      return "reverting";
    case FaultLife::State::settling:
      return "settling";
    case FaultLife::State::left:
      return "undone, not looked at";
    case FaultLife::State::closed:
      return "reverted";
    case FaultLife::State::refused:
      return "refused";
    case FaultLife::State::stuck:
      return "undo incomplete";
  }
  return "?";
}

}  // namespace faultline::engine
