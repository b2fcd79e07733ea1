#pragma once

#include "targets/clock.hpp"
#include "targets/error.hpp"
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
  double rate_per_s = 0;
  Duration threshold{};         ///< slower is bad; the client's deadline unless said otherwise
  Duration deadline{};          ///< given up then
  std::string from = "client";  ///< the host it runs on
  std::string store;            ///< the cache or database it talks to; empty when none
  bool shows_recovery = true;   ///< false: it sees another side of the fault than users do

  /// Writes to its store, and reads what was acknowledged back at the end.
  [[nodiscard]] bool writes() const { return kind == "redis_writes" || kind == "sql_writes"; }
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
  good,      ///< percent of requests that were good
  served,    ///< percent of requests that were good or degraded
  latency,   ///< a percentile in ms stays below the threshold
  bad,       ///< at most so many bad requests
  recovery,  ///< a cache or database is writable again within a time
  lost,  ///< at most so many acknowledged writes are lost (decided when the writers have read back)
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
  std::string subject;     ///< a probe; for recovery and lost a cache, a database or a writer
  double threshold = 0;    ///< percent, ms or count, by sli
  double percentile = 99;  ///< for latency
  std::optional<VersusBaseline> versus;  ///< for latency: the threshold, known after the baseline
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
  std::string file, sha256;               ///< of the script and everything it used
  std::function<void(Stage&)> method;
  /// Makes every binding raise from now on; from the run's own thread. Sticky.
  std::function<void(std::string reason)> cancel;
};

}  // namespace faultline::engine
