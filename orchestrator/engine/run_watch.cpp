#include "orchestrator/engine/run.hpp"

#include <fmt/format.h>

/// What may end a run while its script is busy: people, the clock, stop conditions, and what the
/// environment has to say.
namespace faultline::engine {
namespace {
constexpr std::size_t max_told_steps = 10'000;  // a role that flaps must not fill the memory
}  // namespace

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

void Run::on_notice(const targets::Notice& notice) {
  // Who waits for an environment hears what becomes of the run before, which is not his.
  const auto action = notice.detail.value("action", std::string());
  const bool of_another_run = !action.empty() && !action.starts_with(in_.id + ".");
  if (of_another_run || (!owns_ && notice.name != "target_gone")) {
    return;
  }
  if (const auto step = told_step(notice)) {
    return hear(notice, *step);
  }
  timeline_.tell(notice.name, notice.detail);
  if (notice.name == "component_died" && !notice.detail.value("by_fault", false)) {
    life_.doubt(fmt::format("{} died, and no fault did it",
                            notice.detail.value("component", std::string("a component"))));
  } else if (notice.name == "action_lifted") {
    life_.doubt(notice.detail.value("reason", notice.name));
  } else if (notice.name == "deadline_fired") {
    stop(Stop::environment_lost, "the target's own deadline ended a fault");
  } else if (notice.name == "owner_lost" || notice.name == "target_gone") {
    stop(Stop::environment_lost, "the environment was lost in the middle of the run: " +
                                     notice.detail.value("reason", notice.name));
  }
}

/// It is told some time after it happened, so the event says both.
void Run::hear(const targets::Notice& notice, const ToldStep& step) {
  auto detail = notice.detail;
  timeline_.stamp(detail, "at", notice.at);
  timeline_.tell(notice.name, std::move(detail));
  if (told_steps_.size() < max_told_steps) {
    told_steps_.push_back(step);
  }
}

}  // namespace faultline::engine
