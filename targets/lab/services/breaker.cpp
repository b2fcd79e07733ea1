#include "targets/lab/services/breaker.hpp"

namespace faultline::services {

std::string_view to_string(Breaker::State state) {
  switch (state) {
    case Breaker::State::closed:
      return "closed";
    case Breaker::State::open:
      return "open";
    case Breaker::State::half_open:
      return "half_open";
  }
  return "closed";
}

std::optional<Breaker::Ticket> Breaker::allow() {
  const std::lock_guard lock(mutex_);
  if (state_ == State::open && now_() >= until_) {
    enter(State::half_open);
  }
  if (state_ == State::open || (state_ == State::half_open && probing_)) {
    return std::nullopt;
  }
  probing_ = state_ == State::half_open;
  return Ticket{era_};
}

void Breaker::report(Ticket ticket, bool good) {
  const std::lock_guard lock(mutex_);
  if (ticket.era != era_) {
    return;
  }
  if (state_ == State::half_open) {
    enter(good ? State::closed : State::open);
    return;
  }
  in_a_row_ = good ? 0 : in_a_row_ + 1;
  failed_ += good ? 0 : 1;
  const bool full = ++calls_ == settings_.window;
  if (in_a_row_ >= settings_.in_a_row || (full && failed_ >= settings_.share * calls_)) {
    enter(State::open);
  } else if (full) {
    calls_ = failed_ = 0;
  }
}

void Breaker::enter(State state) {
  state_ = state;
  ++era_;
  probing_ = false;
  in_a_row_ = calls_ = failed_ = 0;
  if (state == State::open) {
    until_ = now_() + settings_.pause;
    ++opened_;
  }
}

Breaker::State Breaker::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

std::uint64_t Breaker::opened() const {
  const std::lock_guard lock(mutex_);
  return opened_;
}

}  // namespace faultline::services
