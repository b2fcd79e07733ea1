#pragma once

#include "orchestrator/engine/environment.hpp"
#include "orchestrator/slo/judge.hpp"
#include "orchestrator/slo/schedule.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>

namespace faultline::engine {

/// The first line of a worker's input, but for what a load by itself adds:
/// orchestrator/load/worker.hpp.
Json worker_spec(const Probe& probe, const std::string& run, std::uint64_t seed);

/// The workers of a run and what they have measured: one worker a probe.
class Probes {
 public:
  struct Measured {
    explicit Measured(Probe asked = {}, std::uint64_t seed = 1)
        : probe(std::move(asked)),
          schedule_(slo::Rate(probe.rate_per_s),
                    probe.poisson ? slo::Spacing::poisson : slo::Spacing::even, seed) {}

    Probe probe;
    slo::Series series;
    slo::Series lately;         ///< of these, what was reported since `lately()` was asked last
    std::uint64_t waiting = 0;  ///< sent and not yet answered, as the worker said last
    Instant started{};
    Instant seen_until{};     ///< every request due before it has been reported
    double delay_p99_ms = 0;  ///< the worker's own lateness, over its life
    std::optional<slo::Writes> writes;
    std::string problem;  ///< it died, or said what is wrong; empty: none
    bool finished = false;
    std::unique_ptr<targets::Worker> worker;

    /// Requests that an open loop has due before `at`, answered or not.
    [[nodiscard]] std::uint64_t due_before(Instant at) const;

   private:
    mutable slo::Schedule schedule_;           ///< the worker's own: the same seed
    mutable std::vector<Duration> due_times_;  ///< as far as it was asked
  };

  /// `changed` is called after every report of a worker.
  Probes(targets::Target& target, std::function<void()> changed)
      : target_(target), changed_(std::move(changed)) {}

  /// Starts a worker for each probe of the environment; `done` when all have started.
  void start(const Environment& environment, const std::string& run, std::uint64_t seed,
             std::function<void(Result<>)> done);
  /// Asks all to finish: no new requests, writes read back. They finish on their own; see
  /// `running`.
  void finish();

  [[nodiscard]] bool running() const;
  /// For onlookers: what each probe has been answered since this was asked last, whenever it was
  /// due, and how many requests wait. Judging goes by the time when requests were due.
  struct Lately {
    slo::Summary answered;
    std::uint64_t waiting = 0;
  };
  std::map<std::string, Lately> lately();
  /// The oldest of all workers' `seen_until`.
  [[nodiscard]] Instant seen_until() const;
  [[nodiscard]] const Measured* find(const std::string& name) const;
  /// The writer that shows the recovery and the losses of a store, or the writer of that name.
  [[nodiscard]] const Measured* writer(const std::string& subject) const;
  [[nodiscard]] const std::deque<Measured>& all() const { return all_; }
  /// Why the figures cannot be trusted; empty when they can: a worker that died, ran late
  /// (above 50 ms at p99) or did not keep its rate.
  [[nodiscard]] std::string problem() const;

 private:
  void on_line(Measured& measured, std::string_view line);
  void take(Measured& measured, const Json& report);
  void on_samples(Measured& measured, const Json& samples);

  targets::Target& target_;
  std::function<void()> changed_;
  std::deque<Measured> all_;  // a deque: workers hold references
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace faultline::engine
