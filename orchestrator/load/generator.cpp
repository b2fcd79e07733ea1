#include "orchestrator/load/generator.hpp"

#include <algorithm>

namespace faultline::load {
namespace {

/// With so many users in flight, each answered once in 100 us, a service is asked for 320,000
/// requests a second: more than one worker can send.
constexpr std::size_t crowd = 32;

}  // namespace

Generator::Generator(const Spec& spec, Source& source, Recorder& recorder)
    : spec_(spec),
      source_(source),
      recorder_(recorder),
      schedule_(spec.rate, spec.spacing, spec.seed, spec.index, spec.workers) {}

void Generator::start(Instant now) {
  start_ = now;
  if (closed_loop()) {
    for (std::uint64_t user = 0; user < spec_.users; ++user) {
      users_due_.push(now);
    }
  } else {
    next_due_.push_back(draw_next());
  }
  tick(now);
}

Instant Generator::draw_next() {
  const auto offset = schedule_.next();
  const bool none = offset == Duration::max() || beyond_end(offset);
  return none ? Instant::max() : start_ + offset;
}

Instant Generator::due_from(Instant then) {
  if (finishing_) {
    return Instant::max();
  }
  if (closed_loop()) {
    return waiting_ >= crowd ? then : Instant::max();
  }
  while (next_due_.back() < then) {
    next_due_.push_back(draw_next());
  }
  return *std::ranges::lower_bound(next_due_, then);
}

Instant Generator::wake_at() const {
  if (finishing_) {
    return Instant::max();
  }
  return !closed_loop()       ? next_due_.front()
         : users_due_.empty() ? Instant::max()
                              : users_due_.top();
}

void Generator::tick(Instant now) {
  while (!finishing_ && wake_at() <= now) {
    const auto due = wake_at();
    if (closed_loop()) {
      users_due_.pop();
    } else {
      next_due_.pop_front();
      if (next_due_.empty()) {
        next_due_.push_back(draw_next());
      }
    }
    send(due, now);
  }
}

void Generator::send(Instant due, Instant now) {
  all_delays_.add(now - due);
  recent_delays_.add(now - due);
  const auto number = first_ + pending_.size();
  pending_.push_back({due});
  ++waiting_;
  source_.send({number, due, due + spec_.deadline,
                [this, number](Outcome outcome) { answered(number, std::move(outcome)); }});
}

void Generator::answered(std::uint64_t number, Outcome outcome) {
  const auto now = std::chrono::steady_clock::now();
  const auto end = outcome.arrived.value_or(now);
  auto& pending = pending_[number - first_];
  if (outcome.result != slo::Class::bad && end - pending.due > spec_.threshold) {
    outcome = failed("slow", outcome.sent);
  }
  pending.answered = true;
  --waiting_;
  recorder_.add(pending.due, end, outcome);
  while (!pending_.empty() && pending_.front().answered) {
    pending_.pop_front();
    ++first_;
  }
  if (closed_loop() && !finishing_ && !beyond_end(now + spec_.think - start_)) {
    users_due_.push(now + spec_.think);
  }
  if (drained_ && waiting_ == 0) {
    std::exchange(drained_, nullptr)();
  }
}

void Generator::finish(std::function<void()> drained) {
  finishing_ = true;
  if (waiting_ == 0) {
    drained();
  } else {
    drained_ = std::move(drained);
  }
}

Instant Generator::seen_until(Instant now) const {
  const auto open_from = pending_.empty() ? wake_at() : pending_.front().due;
  return std::min(open_from, now);
}

}  // namespace faultline::load
