#include "orchestrator/engine/run.hpp"

#include <fmt/format.h>

/// What may end a run while its script is busy: people, the clock, stop conditions.
namespace faultline::engine {

void Run::pulse() {
  constexpr Duration every = std::chrono::milliseconds(200);
  pulse_ = later(every, [this] { pulse(); });
  if (const auto why = time_.look(in_.clock, every); !why.empty() && in_.measure) {
    distrust_time(why);
  }
  if (const auto why = in_.halted ? in_.halted() : ""; !why.empty() && !life_.stopping()) {
    return stop(Stop::abort, why);
  }
  watch_stop_conditions();
}

/// Before the load starts and after the last look nothing hangs on the time.
void Run::distrust_time(const std::string& why) {
  const auto phase = life_.phase();
  if (phase == Phase::method || phase == Phase::recover || phase == Phase::verify) {
    timeline_.tell("time_jump", {{"reason", why}});
    life_.doubt(why);
  }
}

void Run::watch_stop_conditions() {
  if (life_.phase() != Phase::method || life_.stopping() || !measured_from_) {
    return;
  }
  const auto stop_blind = [this](const std::string& why) {
    stop(Stop::environment_lost, "a stop condition cannot be watched any more: " + why);
  };
  if (const auto problem = probes_.problem(); !problem.empty() && !stop_conditions_.empty()) {
    return stop_blind(problem);
  }
  for (const auto& found : stop_conditions_.look(probes_, *measured_from_, in_.clock.now())) {
    if (found.lost && !life_.stopping()) {
      stop_blind(found.words);
    } else if (!found.met) {
      timeline_.tell("stop_condition_blind", {{"reason", found.words}});
    } else if (!life_.stopping()) {
      stop(Stop::condition, fmt::format("stop condition met {:.1f} s into the run: {}",
                                        timeline_.offset_ms(in_.clock.now()) / 1000, found.words));
    }
  }
}

}  // namespace faultline::engine
