#include "orchestrator/engine/machine_watch.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faultline::engine {
namespace {

// Measured on drills on 2 cores: left alone, they use up to half of the machine and others 1 to
// 3 %; beside a compiler nothing is idle, and others use half of it and more.
constexpr double nothing_left = 0.10;
constexpr double others_matter = 0.25;
constexpr double disturbed_share = 0.25;  // of a window

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double seconds(Duration d) {
  return std::chrono::duration<double>(d).count();
}

}  // namespace

bool MachineWatch::Span::disturbed() const {
  return idle < nothing_left && others() > others_matter;
}

void MachineWatch::look(const targets::World& world, Instant now) {
  if (!world.machine) {
    return;
  }
  const auto& used = *world.machine;
  // What ended unseen takes its own time with it; the counters of a new lab begin anew.
  const auto grown = [](std::uint64_t after, std::uint64_t before) {
    return after > before ? after - before : 0;
  };
  if (last_ && used.total_ms > last_->used.total_ms) {
    const auto total = used.total_ms - last_->used.total_ms;
    const double idle = std::min(share(grown(used.idle_ms, last_->used.idle_ms), total), 1.0);
    const double own = std::min(share(grown(used.own_ms, last_->used.own_ms), total), 1 - idle);
    spans_.push_back({last_->at, now, idle, own});
  }
  last_ = Reading{now, used};
}

std::string MachineWatch::disturbed(Instant from, Instant to) const {
  double bad_s = 0, others = 0;
  for (const auto& span : spans_) {
    const auto overlap = std::min(span.to, to) - std::max(span.from, from);
    if (overlap > Duration::zero() && span.disturbed()) {
      bad_s += seconds(overlap);
      others += seconds(overlap) * span.others();
    }
  }
  const double whole_s = seconds(to - from);
  if (bad_s == 0 || bad_s < disturbed_share * whole_s) {
    return {};
  }
  return fmt::format(
      "machine too busy: in {:.0f} of {:.0f} s it had nothing left, while other "
      "programs used {:.0f} % of it",
      bad_s, whole_s, 100 * others / bad_s);
}

targets::Json MachineWatch::record() const {
  double idle = 0, own = 0, all = 0, disturbed = 0;
  for (const auto& span : spans_) {
    const double s = seconds(span.to - span.from);
    idle += s * span.idle;
    own += s * span.own;
    disturbed += span.disturbed() ? s : 0;
    all += s;
  }
  if (all == 0) {
    return {};
  }
  return {{"cpu_idle_percent", 100 * idle / all},
          {"cpu_own_percent", 100 * own / all},
          {"cpu_others_percent", 100 * (all - idle - own) / all},
          {"disturbed_s", disturbed}};
}

}  // namespace faultline::engine
