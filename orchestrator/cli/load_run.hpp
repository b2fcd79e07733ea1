#pragma once

#include "orchestrator/load/totals.hpp"
#include "orchestrator/script/loader.hpp"
#include "targets/clock.hpp"
#include "targets/target.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace faultline::cli {

/// How a load is sent, whatever it is.
struct Sending {
  std::string id;
  std::uint64_t seed = 1;
  std::vector<std::string> allow;  ///< addresses besides loopback and a lab's
  Duration wake_every{};           ///< as in a worker's spec
};

/// What is wrong with a load, before anything is sent. `here`: it goes out from this machine, so
/// that where it goes can be checked too.
Result<> check_load(const script::Load& load, const Sending& how, bool here);

/// A load by itself: its workers, from their start to the record of what they measured. Nothing is
/// discarded as warm-up. All on one executor.
class LoadRun {
 public:
  /// Starts a worker process, here or in an environment.
  using StartWorker = std::function<void(
      targets::WorkerSpec, std::function<void(Result<std::unique_ptr<targets::Worker>>)>)>;
  struct Inputs {
    const script::Load& load;
    StartWorker start_worker;
    boost::asio::any_io_executor executor;
    Sending how;
    /// Each second of each probe when it is known.
    std::function<void(const std::string& probe, std::int64_t number, const load::Tally& second)>
        on_second;
  };

  explicit LoadRun(Inputs inputs);

  /// `done` is called once, when all workers have ended; the first that fails ends the others.
  void start(std::function<void()> done);
  /// Nothing more is sent; what is in flight is waited for.
  void stop(const std::string& why);

  /// When the first request is due; after `start`.
  [[nodiscard]] WallTime started() const { return wall_start_; }
  /// Schema faultline.load/1: "verdict" measured or inconclusive, "reason", "probes" as in the run
  /// record, with "due" besides, and
  /// "sent": what there was a connection for.
  [[nodiscard]] nlohmann::json record() const;

 private:
  struct Measured {
    Measured(const engine::Probe& asked, load::Totals::OnSecond on_second)
        : probe(asked), totals(asked.workers, std::move(on_second)) {}
    const engine::Probe& probe;
    load::Totals totals;
    std::vector<std::unique_ptr<targets::Worker>> workers;
    std::string problem;
  };
  void start_worker(Measured& measured, std::size_t index);
  void worker_ended(Measured& measured, std::size_t index, const std::string& how);
  void finish_workers();
  [[nodiscard]] std::uint64_t due(const Measured& measured) const;
  [[nodiscard]] std::string problem_of(const Measured& measured) const;

  Inputs in_;
  std::deque<Measured> all_;  // a deque: workers hold references
  boost::asio::steady_timer timer_;
  Instant start_;
  Duration length_{};  ///< as planned, or until it was stopped
  WallTime wall_start_;
  std::size_t running_ = 0;
  bool finishing_ = false;
  std::string stopped_;
  std::function<void()> done_;
};

}  // namespace faultline::cli
