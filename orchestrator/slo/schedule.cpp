#include "orchestrator/slo/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace faultline::slo {
namespace {

constexpr double never = std::numeric_limits<double>::infinity();

double seconds_of(Duration d) {
  return std::chrono::duration<double>(d).count();
}

/// Requests in the first `t` seconds of a straight line from `from` to `to` over `seconds`.
double area(double from, double to, double seconds, double t) {
  const double slope = from == to ? 0 : (to - from) / seconds;
  return from * t + slope * t * t / 2;
}

/// The inverse of `area`: the root that does not cancel.
double time_of_area(double from, double to, double seconds, double requests) {
  const double slope = from == to ? 0 : (to - from) / seconds;
  const double speed = std::sqrt(std::max(0.0, from * from + 2 * slope * requests));
  if (requests == 0) {
    return from + to > 0 ? 0 : never;
  }
  return 2 * requests / (from + speed);
}

}  // namespace

Rate::Rate(std::vector<Stage> stages) {
  Duration begins{};
  double rate = 0;
  double requests = 0;
  for (const auto& stage : stages) {
    const double from = stage.ramp ? rate : stage.rate_per_s;
    const double seconds = seconds_of(stage.length);
    rate = stage.rate_per_s;
    if (seconds > 0) {
      pieces_.push_back({begins, seconds, from, rate, requests});
      requests += area(from, rate, seconds, seconds);
      begins += stage.length;
    }
  }
  const auto goes_on = [rate](const Piece& last) { return last.from == rate && last.to == rate; };
  if (!pieces_.empty() && goes_on(pieces_.back())) {
    pieces_.back().seconds = never;
  } else {
    pieces_.push_back({begins, never, rate, rate, requests});
  }
}

double Rate::requests_within(Duration offset) const {
  double requests = 0;
  for (const auto& piece : pieces_) {
    if (piece.begins >= offset) {
      break;
    }
    const double inside = std::min(seconds_of(offset - piece.begins), piece.seconds);
    requests = piece.before + area(piece.from, piece.to, piece.seconds, inside);
  }
  return requests;
}

Duration Rate::time_of(double requests) const {
  const auto after = std::ranges::upper_bound(pieces_, requests, {}, &Piece::before);
  const auto& piece = after == pieces_.begin() ? pieces_.front() : *std::prev(after);
  const double seconds =
      time_of_area(piece.from, piece.to, piece.seconds, std::max(0.0, requests - piece.before));
  constexpr double longest = 1e9;  // 30 years: beyond it a double has no nanoseconds any more
  if (!(seconds < longest)) {
    return Duration::max();
  }
  return piece.begins +
         std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

double Rate::highest_per_s() const {
  double highest = 0;
  for (const auto& piece : pieces_) {
    highest = std::max({highest, piece.from, piece.to});
  }
  return highest;
}

Schedule::Schedule(Rate rate, Spacing spacing, std::uint64_t seed, std::uint64_t index,
                   std::uint64_t workers)
    : rate_(std::move(rate)),
      spacing_(spacing),
      random_(seed + index),
      count_(spacing == Spacing::even ? static_cast<double>(index) : 0),
      step_(static_cast<double>(workers)) {}

Duration Schedule::next() {
  if (spacing_ == Spacing::poisson) {
    count_ += std::exponential_distribution<double>(1 / step_)(random_);
    return rate_.time_of(count_);
  }
  const auto due = rate_.time_of(count_);
  count_ += step_;
  return due;
}

}  // namespace faultline::slo
