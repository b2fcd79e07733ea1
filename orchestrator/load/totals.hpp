#pragma once

#include "orchestrator/slo/histogram.hpp"
#include "targets/clock.hpp"

#include <nlohmann/json.hpp>

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace faultline::load {

using Json = nlohmann::json;

/// What a number of requests came to.
struct Tally {
  std::uint64_t good = 0, degraded = 0, bad = 0;
  std::uint64_t unsent = 0;  ///< of the bad ones: there never was a connection for them
  std::map<std::string, std::uint64_t> errors;  ///< the bad ones by class
  slo::Histogram latency;  ///< from due to answered, of the good and degraded ones
  slo::Histogram service;  ///< the same from when they were sent: the uncorrected view

  [[nodiscard]] std::uint64_t requests() const { return good + degraded + bad; }
  [[nodiscard]] std::uint64_t sent() const { return requests() - unsent; }
  /// In ms, by nearest rank over all requests: a bad one is slower than any threshold, so a
  /// percentile that falls among the bad ones is infinite. Not a number of nothing.
  [[nodiscard]] double percentile_ms(double percent) const;
  void add(const Tally& other);
};

/// What the workers that share the load of one probe measured: their lines, merged exactly.
class Totals {
 public:
  /// Called with each second of the load when it is known, in their order.
  using OnSecond = std::function<void(std::int64_t number, const Tally& second)>;

  Totals(std::size_t workers, OnSecond on_second);

  /// Takes a line of worker `index`, as worker.hpp describes them. Error `usage`: it is none.
  Result<> take(std::size_t index, const Json& line);
  /// No line of worker `index` comes any more, so that nobody waits for its seconds.
  void ended(std::size_t index);

  [[nodiscard]] const Tally& all() const { return all_; }
  /// Every worker has said so itself.
  [[nodiscard]] bool finished() const;
  /// How many requests the workers say they began, sent or not, and the worst lateness of any.
  [[nodiscard]] std::uint64_t begun() const;
  [[nodiscard]] double delay_p99_ms() const;
  /// Of the one with the least time to spare: the share of its time that it did not wait.
  [[nodiscard]] double busy() const;
  /// A worker's own words; empty: all went well.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  /// "requests" to "series", as `probes` in the run record has them.
  [[nodiscard]] Json record() const;

 private:
  struct Worker {
    std::int64_t known_until = -1;  ///< the last second of which it has told
    bool finished = false;
    std::uint64_t begun = 0;
    double delay_p99_ms = 0, busy = 0;
  };
  void take_second(std::size_t index, const Json& line);
  void complete();

  std::vector<Worker> workers_;
  OnSecond on_second_;
  std::map<std::int64_t, Tally> seconds_;  ///< those not yet known
  Tally all_;
  Json series_ = Json::array();
  std::string problem_;
};

}  // namespace faultline::load
