#pragma once

#include "orchestrator/engine/probes.hpp"
#include "orchestrator/engine/timeline.hpp"

#include <optional>
#include <string>
#include <vector>

namespace faultline::engine {

/// What a probe's users got within a stop condition's window.
struct WindowSeen {
  std::uint64_t requests = 0;
  double value = 0;  ///< in the condition's unit; infinite when the percentile is among the bad
};

/// What became known in (now - over, now], as far back as `since`: a request counts when it was
/// answered; one that is still unanswered counts as bad when its time is up. None: nothing became
/// known, which is no breach. Pure.
std::optional<WindowSeen> seen_in_window(const StopCondition& condition,
                                         const Probes::Measured& probe, Instant since, Instant now);

/// Whether the value is on the wrong side of the limit.
bool is_met(const StopCondition& condition, double value);

/// The stop conditions of one run, and what was seen of them.
class StopConditions {
 public:
  void add(StopCondition condition, Instant now) {
    all_.push_back({.condition = std::move(condition), .since = now});
  }

  struct Finding {
    bool met = false;   ///< else: nothing became known, told once a stretch
    bool lost = false;  ///< nothing became known for longer than any request may take
    std::string words;
  };
  /// What is new at `now`; nothing before a whole window has passed since `from`, the end of the
  /// warm-up.
  std::vector<Finding> look(const Probes& probes, Instant from, Instant now);

  [[nodiscard]] bool empty() const { return all_.empty(); }
  [[nodiscard]] Json record(const Timeline& timeline) const;

 private:
  struct Watched {
    StopCondition condition;
    Instant since;
    std::size_t looks = 0, blind = 0;
    std::optional<Instant> blind_from;
    bool lost = false;
    std::optional<double> worst;  ///< the value that came nearest to the limit, or went furthest
    std::optional<Instant> met_at;
  };
  static void look_at(Watched& watched, const Probes& probes, Instant now,
                      std::vector<Finding>& found);

  std::vector<Watched> all_;
};

}  // namespace faultline::engine
