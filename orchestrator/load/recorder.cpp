#include "orchestrator/load/recorder.hpp"

#include <fmt/format.h>

namespace faultline::load {
namespace {

/// A service that puts something unique into every error must not grow the line without end.
constexpr std::size_t max_error_classes = 1'000;

std::int64_t to_us(Duration d) {
  return std::chrono::floor<std::chrono::microseconds>(d).count();
}

}  // namespace

std::int64_t to_us(Instant instant) {
  return to_us(instant.time_since_epoch());
}

void Recorder::add_sample(Instant due, Instant end, const Outcome& outcome) {
  const auto error = outcome.error.empty() ? "0" : Json(outcome.error).dump();
  fmt::format_to(std::back_inserter(samples_), "{}[{},{},{},{},{}]", samples_.empty() ? "" : ",",
                 to_us(due), to_us(end - due), to_us(end - outcome.sent),
                 static_cast<int>(outcome.result), error);
}

void Recorder::add_to_second(Instant due, Instant end, const Outcome& outcome) {
  const auto number = (due - start_) / std::chrono::seconds(1);
  if (number != current_number_) {
    auto& second = seconds_[number];
    if (!second) {
      second = std::make_unique<Second>();
    }
    current_ = second.get();
    current_number_ = number;
  }
  if (outcome.result != slo::Class::bad) {
    ++(outcome.result == slo::Class::good ? current_->good : current_->degraded);
    current_->latency.record(to_us(end - due));
    current_->service.record(to_us(end - outcome.sent));
    return;
  }
  ++current_->bad;
  current_->unsent += outcome.unsent ? 1 : 0;
  const bool full = current_->errors.size() >= max_error_classes;
  ++current_->errors[full && !current_->errors.contains(outcome.error) ? "other" : outcome.error];
}

void Recorder::report(Instant seen_until, std::size_t waiting) {
  if (!by_second_) {
    output_.line(fmt::format(R"({{"samples": [{}], "seen_until": {}, "waiting": {}}})", samples_,
                             to_us(seen_until), waiting));
    samples_.clear();
    return;
  }
  const auto whole = (seen_until - start_) / std::chrono::seconds(1);
  while (!seconds_.empty() && seconds_.begin()->first < whole) {
    print(seconds_.begin()->first, *seconds_.begin()->second);
    seconds_.erase(seconds_.begin());
    current_number_ = -1;
  }
}

void Recorder::finish() {
  if (by_second_) {
    report(Instant::max(), 0);
  }
}

void Recorder::print(std::int64_t number, const Second& second) {
  output_.line(Json{{"second", number},
                    {"good", second.good},
                    {"degraded", second.degraded},
                    {"bad", second.bad},
                    {"unsent", second.unsent},
                    {"errors", second.errors},
                    {"latency", second.latency.encode()},
                    {"service", second.service.encode()}}
                   .dump());
}

}  // namespace faultline::load
