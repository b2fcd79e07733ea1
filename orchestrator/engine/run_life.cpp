#include "orchestrator/engine/run_life.hpp"

namespace faultline::engine {

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::passed:
      return "passed";
    case Verdict::failed:
      return "failed";
    case Verdict::inconclusive:
      return "inconclusive";
    case Verdict::aborted:
      return "aborted";
  }
  return "inconclusive";
}

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::heal:
      return "heal";
    case Phase::requires_:
      return "requires";
    case Phase::method:
      return "method";
    case Phase::recover:
      return "recover";
    case Phase::verify:
      return "verify";
    case Phase::judge:
      return "judge";
    case Phase::report:
      return "report";
    case Phase::over:
      return "over";
  }
  return "over";
}

RunLife::Command RunLife::begin() {
  phase_ = Phase::heal;
  return Command::heal;
}

RunLife::Command RunLife::done(const std::string& reason) {
  if (!reason.empty()) {
    doubt(reason);
  }
  const bool give_up = !reason.empty() || stopping();
  switch (phase_) {
    case Phase::heal:
      phase_ = give_up ? Phase::report : Phase::requires_;
      return give_up ? Command::report : Command::check_requires;
    case Phase::requires_:
      phase_ = give_up ? Phase::report : Phase::method;
      return give_up ? Command::report : Command::run_method;
    case Phase::method:
      phase_ = Phase::recover;
      return Command::revert_all;
    case Phase::recover:
      if (leaving()) {
        phase_ = Phase::report;
        return Command::report;
      }
      // Steady state is only worth a look when the environment was put back and nobody is waiting.
      phase_ = stopping() || !doubts_.empty() || !residue_.empty() ? Phase::judge : Phase::verify;
      return phase_ == Phase::judge ? Command::judge : Command::verify;
    case Phase::verify:
      phase_ = Phase::judge;
      return Command::judge;
    case Phase::judge:
      phase_ = Phase::report;
      return Command::report;
    case Phase::report:
    case Phase::over:
      phase_ = Phase::over;
      return Command::none;
  }
  return Command::none;
}

void RunLife::missed(const std::string& reason) {
  missed_.push_back(reason);
}
void RunLife::doubt(const std::string& reason) {
  doubts_.push_back(reason);
}
void RunLife::residue(const std::string& reason) {
  residue_.push_back(reason);
}

RunLife::Command RunLife::stop(Stop why, const std::string& reason) {
  interrupts_ += why == Stop::interrupt ? 1 : 0;
  if (stop_) {
    return why == Stop::interrupt && interrupts_ == 2 ? Command::leave : Command::none;
  }
  stop_ = why;
  stop_reason_ = reason;
  return phase_ == Phase::method    ? Command::cancel_method
         : phase_ == Phase::recover ? Command::hurry
                                    : Command::none;
}

Verdict RunLife::verdict() const {
  if (stop_ && stop_ != Stop::timeout && stop_ != Stop::environment_lost) {
    return Verdict::aborted;
  }
  if (stop_ || !doubts_.empty() || !residue_.empty() || phase_ < Phase::report) {
    return Verdict::inconclusive;
  }
  return missed_.empty() ? Verdict::passed : Verdict::failed;
}

std::string RunLife::reason() const {
  if (phase_ < Phase::report) {
    return "unfinished: it still runs, or it ended without a word";
  }
  if (!residue_.empty()) {
    return "undo incomplete: " + residue_.front();
  }
  if (leaving()) {
    return stop_reason_ +
           ", and again: everything was undone, but nobody looked whether anything is left; "
           "`faultline recover` does";
  }
  if (stop_) {
    return stop_reason_;
  }
  if (!doubts_.empty()) {
    return doubts_.front();
  }
  return missed_.empty() ? std::string() : missed_.front();
}

int RunLife::exit_code() const {
  if (!residue_.empty()) {
    return 5;
  }
  if (stop_ == Stop::interrupt) {
    return 130;
  }
  if (stop_ == Stop::terminate) {
    return 143;
  }
  switch (verdict()) {
    case Verdict::passed:
      return 0;
    case Verdict::failed:
      return 1;
    case Verdict::inconclusive:
      return 3;
    case Verdict::aborted:
      return 4;
  }
  return 3;
}

}  // namespace faultline::engine
