#include "orchestrator/load/open_loop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace faultline::load {
namespace {

/// The reader decides within 100 ms of the truth; half of it leaves room for the way there.
constexpr auto report_interval = std::chrono::milliseconds(50);

Instant now() {
  return std::chrono::steady_clock::now();
}

std::int64_t to_us(Duration d) {
  return std::chrono::floor<std::chrono::microseconds>(d).count();
}

}  // namespace

std::int64_t to_us(Instant instant) {
  return to_us(instant.time_since_epoch());
}

void Delays::add(Duration delay) {
  const auto steps = std::max(delay, Duration::zero()) / step;
  ++counts_[std::min(static_cast<std::size_t>(steps), counts_.size() - 1)];
  ++count_;
}

double Delays::p99_ms() const {
  const auto rank = (count_ * 99 + 99) / 100;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size() && count_ > 0; ++i) {
    seen += counts_[i];
    if (seen >= rank) {
      return to_ms(step) * static_cast<double>(i);
    }
  }
  return 0;
}

OpenLoop::OpenLoop(boost::asio::io_context& io, const Spec& spec, Source& source, Output& output)
    : spec_(spec), source_(source), output_(output), send_timer_(io), report_timer_(io) {}

Instant OpenLoop::due(std::uint64_t number) const {
  // From the start each time, so that rounding does not add up to another rate.
  const std::chrono::duration<double> offset(static_cast<double>(number) / spec_.rate_per_s);
  return start_ + std::chrono::duration_cast<Duration>(offset);
}

void OpenLoop::start() {
  start_ = second_started_ = now();
  output_.line(fmt::format(R"({{"started": {}}})", to_us(start_)));
  send_what_is_due();
  report_regularly();
}

void OpenLoop::send_what_is_due() {
  if (finishing_) {
    return;
  }
  for (auto at = now(); due(next_) <= at; ++next_) {
    send(next_, at);
  }
  send_timer_.expires_at(due(next_));
  send_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) {
      send_what_is_due();
    }
  });
}

void OpenLoop::send(std::uint64_t number, Instant at) {
  const auto due_at = due(number);
  all_delays_.add(at - due_at);
  second_delays_.add(at - due_at);
  in_flight_.insert(number);
  source_.send({number, due_at, due_at + spec_.deadline,
                [this, number](Outcome outcome) { answered(number, std::move(outcome)); }});
}

void OpenLoop::answered(std::uint64_t number, Outcome outcome) {
  const auto end = now();
  const auto due_at = due(number);
  if (outcome.result != slo::Class::bad && end - due_at > spec_.threshold) {
    outcome = failed("slow", outcome.sent);
  }
  in_flight_.erase(number);
  const auto error = outcome.error.empty() ? "0" : Json(outcome.error).dump();
  fmt::format_to(std::back_inserter(samples_), "{}[{},{},{},{},{}]", samples_.empty() ? "" : ",",
                 to_us(due_at), to_us(end - due_at), to_us(end - outcome.sent),
                 static_cast<int>(outcome.result), error);
  if (drained_ && in_flight_.empty()) {
    report_samples();
    std::exchange(drained_, nullptr)();
  }
}

void OpenLoop::finish(std::function<void()> drained) {
  finishing_ = true;
  send_timer_.cancel();
  if (in_flight_.empty()) {
    report_samples();
    drained();
  } else {
    drained_ = std::move(drained);
  }
}

void OpenLoop::report_regularly() {
  report_samples();
  const auto at = now();
  if (at - second_started_ >= std::chrono::seconds(1) && !finishing_) {
    report_second(at);
  }
  report_timer_.expires_after(report_interval);
  report_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) {
      report_regularly();
    }
  });
}

void OpenLoop::report_samples() {
  const auto open_from = due(in_flight_.empty() ? next_ : *in_flight_.begin());
  output_.line(fmt::format(R"({{"samples": [{}], "seen_until": {}, "waiting": {}}})", samples_,
                           to_us(std::min(open_from, now())), in_flight_.size()));
  samples_.clear();
}

void OpenLoop::report_second(Instant at) {
  const auto seconds = std::chrono::duration<double>(at - second_started_).count();
  output_.line(fmt::format(R"({{"delay_p99_ms": {:.1f}, "achieved_per_s": {:.2f}}})",
                           second_delays_.p99_ms(),
                           static_cast<double>(second_delays_.count()) / seconds));
  second_delays_ = Delays();
  second_started_ = at;
}

}  // namespace faultline::load
