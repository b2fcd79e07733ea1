#pragma once

#include "orchestrator/slo/burn.hpp"
#include "orchestrator/slo/comparison.hpp"
#include "targets/clock.hpp"
#include "targets/error.hpp"
#include "targets/prometheus/figure.hpp"
#include "targets/target.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::engine {

using Json = nlohmann::json;
using faultline::in_words;

/// Where in a script something was asked for.
struct Place {
  std::string file;
  int line = 0;
};

/// A fault as a script asks for it. `params` as written, not yet validated; durations are {"ms":
/// n}.
struct FaultRequest {
  std::string fault;
  Json params = Json::object();
  Place place;
};

/// A fault that was injected: its index in the run, from 0.
struct FaultId {
  std::size_t index = 0;
};

/// A load and its measurement, run by one worker.
struct Probe {
  std::string name;
  std::string
      kind;   ///< http, redis_writes, redis, tcp, sql_writes: see orchestrator/load/worker.hpp
  Json args;  ///< by kind
  double rate_per_s = 0;        ///< 0: see `pacing`
  bool poisson = false;         ///< the requests come at random, at that rate
  Json pacing;                  ///< "stages" or "users" instead, as the worker's spec has them
  std::size_t workers = 1;      ///< that share the load, a thread each
  Duration threshold{};         ///< slower is bad; the client's deadline unless said otherwise
  Duration deadline{};          ///< given up then
  std::string from = "client";  ///< the host it runs on
  std::string store;            ///< the cache or database it talks to; empty when none
  std::string service;          ///< else the service, as its nodes are labelled; may be empty
  bool shows_recovery = true;   ///< false: it sees another side of the fault than users do
  Place place{};                ///< where it is written, if that is known

  /// Writes to its store, and reads what was acknowledged back at the end.
  [[nodiscard]] bool writes() const { return kind == "redis_writes" || kind == "sql_writes"; }
  /// Each request has a connection of its own; else they are kept, as a pool's are, and a kept one
  /// may hang on what is gone long after new ones are answered.
  [[nodiscard]] bool on_new_connections() const {
    return kind == "redis" || kind == "tcp" ||
           (kind == "http" && args.is_object() && !args.value("keep_alive", true));
  }
};

/// The probe that `subject` names among writers: the one that shows the recovery of a store of that
/// name, else the writer of that name. nullptr: there is none.
template <class Range, class Of>
auto* find_writer(Range& probes, const std::string& subject, Of probe_of) {
  decltype(&*std::begin(probes)) by_name = nullptr;
  for (auto& item : probes) {
    const Probe& probe = probe_of(item);
    if (probe.writes() && probe.shows_recovery && probe.store == subject) {
      return &item;
    }
    by_name = probe.writes() && probe.name == subject ? &item : by_name;
  }
  return by_name;
}

enum class Sli {
  good,         ///< percent of requests that were good
  served,       ///< percent of requests that were good or degraded
  latency,      ///< a percentile in ms stays below the threshold
  bad,          ///< at most so many bad requests
  bad_seconds,  ///< at most so many seconds with a bad request
  throughput,   ///< at least so many good requests a second
  burn,         ///< an objective's error budget burns no faster than each of some windows allow
  recovery,     ///< a cache or database is writable, or a probe good again within a time
  lost,         ///< at most so many acknowledged writes are lost (decided when they were read back)
  metric,       ///< a Prometheus expression compares with the threshold
  alert,        ///< an alert of the environment's Prometheus fires within the window
  quiet,        ///< and does not begin to fire in it
};

/// Asked of the environment's Prometheus rather than of a probe.
inline bool is_monitored(Sli sli) {
  return sli == Sli::metric || sli == Sli::alert || sli == Sli::quiet;
}

/// An expression over a window as one figure.
struct Metric {
  std::string expression;  ///< PromQL; "{{.window}}" stands for the window's length
  prometheus::Take take = prometheus::Take::last;
  slo::Comparison comparison = slo::Comparison::at_most;  ///< with the threshold
  Duration step = std::chrono::seconds(1);                ///< between two points
  std::string url{};  ///< of the Prometheus it is written for; empty: the environment's
  /// What it can be: a share outside of it is no share, so that nothing is known.
  double lowest = -std::numeric_limits<double>::infinity(),
         highest = std::numeric_limits<double>::infinity();
};

/// A limit that the baseline sets: the larger of so many times its value, and so much more.
struct VersusBaseline {
  double times = 1;
  Duration plus{};
};

/// "good", "latency": as records have it.
std::string_view to_string(Sli sli);

/// A promise, as data. Without `from`, a steady-state objective over the phase's window.
struct Expectation {
  Sli sli = Sli::good;
  std::string subject;     ///< a probe, a cache or a database; an alert; what a metric is called
  bool of_writes = true;   ///< for recovery: shown by writes to a store, else by any requests
  double threshold = 0;    ///< percent, ms, count or requests a second, by sli
  double percentile = 99;  ///< for latency
  std::optional<VersusBaseline> versus;  ///< for latency: the threshold, known after the baseline
  std::vector<slo::BurnRule> burn{};     ///< for burn: the budget is of `threshold` percent
  Metric metric{};                       ///< for metric
  std::optional<FaultId> from;           ///< the window starts at this fault's t0
  Duration over{};                       ///< the window's length; for recovery the objective (RTO)
  Place place;
};
/// "checkout: at least 97 % good over 20 s".
std::string in_words(const Expectation& expectation);

/// What must not become of a probe while a run goes on: it is met when, over a sliding window, less
/// than `limit` percent are good, more than `limit` requests a second are bad, or a percentile of
/// the latency is above `limit` ms.
struct StopCondition {
  Sli sli = Sli::good;  ///< good, bad or latency
  std::string subject;  ///< a probe
  double limit = 0;
  double percentile = 99;  ///< for latency
  Duration over = std::chrono::seconds(1);
  Place place;
};
/// "checkout < 50 % good over 1 s".
std::string in_words(const StopCondition& condition);

/// A precondition, checked against the world before anything is touched.
struct Requirement {
  std::string kind;     ///< replicas
  std::string subject;  ///< a cache or a database
  double count = 0;
  Place place;
};

/// What a method may ask for. Every call blocks the calling fiber, and throws Failure
/// (`cancelled`) at once when the run has been told to stop.
class Stage {
 public:
  virtual ~Stage() = default;
  virtual targets::World world() = 0;
  /// Steady state over the environment's baseline, or over `length`. May be called once, before the
  /// first fault; when a script does not call it, the first inject does.
  virtual void baseline(std::optional<Duration> length, const Place& place) = 0;
  /// Returns when the effect of all of them is proved, in the order given.
  virtual std::vector<FaultId> inject(const std::vector<FaultRequest>& faults) = 0;
  /// Returns when it is reverted; reverting twice is nothing.
  virtual void revert(FaultId fault) = 0;
  virtual void wait(Duration length) = 0;
  /// Waits until it is decided and returns whether it holds. Part of the verdict either way.
  virtual bool expect(const Expectation& expectation) = 0;
  /// From now on, and once the warm-up is over: when it is met, everything is reverted at once and
  /// the run is aborted.
  virtual void stop_when(const StopCondition& condition) = 0;
  /// Somebody says that what is in force is a disaster: recovery is counted from now, too.
  virtual void declare(const std::string& reason, const Place& place) = 0;
  /// A line in the record's events.
  virtual void note(const std::string& text) = 0;
};

/// Stack of the fiber that runs a method: Lua allows 200 nested C calls of up to 2 KiB each.
constexpr std::size_t method_stack_bytes = 1u << 20;

/// A loaded script. The method runs Lua in the calling fiber; errors are thrown as Failure with
/// file and line.
struct Experiment {
  std::string name, title, hypothesis, owner, runbook;
  std::vector<std::string> tags;
  Json params = Json::object();  ///< the values in use
  std::vector<Json> variants;
  std::vector<Requirement> requirements;
  std::map<std::string, Probe> probes;    ///< besides those of the environment
  std::vector<std::string> steady_state;  ///< names of the environment's objectives; empty: all
  std::vector<Expectation> monitored;     ///< of the method, as far as a dry pass met them
  std::string file, sha256;               ///< of the script and everything it used
  std::function<void(Stage&)> method;
  /// Makes every binding raise from now on; from the run's own thread. Sticky.
  std::function<void(std::string reason)> cancel;
};

}  // namespace faultline::engine
