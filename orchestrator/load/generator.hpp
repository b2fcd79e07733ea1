#pragma once

#include "orchestrator/load/delays.hpp"
#include "orchestrator/load/recorder.hpp"
#include "orchestrator/load/source.hpp"
#include "orchestrator/slo/schedule.hpp"

#include <deque>
#include <queue>

namespace faultline::load {

/// When each request is sent. Open loop: at its time in the schedule, whatever became of the
/// earlier ones. Closed loop: as many as there are users, each again when it was answered. It has
/// no timer of its own: whoever runs it calls `tick` at `wake_at`.
class Generator {
 public:
  Generator(const Spec& spec, Source& source, Recorder& recorder);

  void start(Instant now);
  /// When there is something to do next.
  [[nodiscard]] Instant wake_at() const;
  /// The first time from then on at which a request is due; of a closed loop `then` itself while so
  /// many users wait that a pause between answers and requests takes nothing from the service.
  Instant due_from(Instant then);
  /// Sends what is due.
  void tick(Instant now);
  /// Sends nothing more; calls `drained` when all is answered.
  void finish(std::function<void()> drained);

  /// Every request due before has been answered or given up.
  [[nodiscard]] Instant seen_until(Instant now) const;
  [[nodiscard]] std::size_t waiting() const { return waiting_; }
  /// How late requests were sent, since the start and since it was asked last.
  [[nodiscard]] const Delays& delays() const { return all_delays_; }
  Delays take_recent_delays() { return std::exchange(recent_delays_, Delays()); }

 private:
  struct Pending {
    Instant due;
    bool answered = false;
  };
  [[nodiscard]] bool closed_loop() const { return spec_.users > 0; }
  Instant draw_next();
  /// Whether a load of limited length has come to its end then.
  [[nodiscard]] bool beyond_end(Duration offset) const {
    return spec_.length && offset >= *spec_.length;
  }
  void send(Instant due, Instant now);
  void answered(std::uint64_t number, Outcome outcome);

  const Spec& spec_;
  Source& source_;
  Recorder& recorder_;
  slo::Schedule schedule_;
  Instant start_;
  std::deque<Instant> next_due_;  ///< of the open loop, never empty
  std::priority_queue<Instant, std::vector<Instant>, std::greater<>> users_due_;
  std::deque<Pending> pending_;  ///< from the oldest that is not answered
  std::uint64_t first_ = 0;      ///< number of the front
  std::size_t waiting_ = 0;
  Delays all_delays_, recent_delays_;
  std::function<void()> drained_;
  bool finishing_ = false;
};

}  // namespace faultline::load
