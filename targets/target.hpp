#pragma once

#include "targets/clock.hpp"
#include "targets/error.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// The seam between deciding and touching: everything that reads or changes an environment goes
/// through `Target`. Values here are plain data, so a plan can be shown, journalled, applied,
/// and reverted by another process after a crash.
namespace faultline::targets {

using Json = nlohmann::json;

/// Issued by the target, one higher for each owner. Lower epochs are refused.
using Epoch = std::uint64_t;

/// Called exactly once, on the thread of the target's executor, never from inside the call.
template <class T>
using Done = std::function<void(Result<T>)>;

/// One change to the world. Applying it adds a thing named after `id`; reverting deletes that name,
/// so actions stack and revert in any order.
struct Action {
  std::string id;            ///< unique: "<run>.<fault>.<n>", of [a-z0-9_.-]
  std::string kind;          ///< one of `Target::capabilities()`, see the table below
  Json args;                 ///< by kind
  std::string summary;       ///< "kill a-redis (SIGKILL)"
  std::string undo_summary;  ///< "start a-redis again"; empty when there is nothing to undo
  std::string resource;      ///< what it touches: "component a-redis"; reverts are ordered by it
  Duration max_duration = std::chrono::minutes(5);  ///< the target reverts it then, always
};
// clang-format off
// kind                 args -> what is applied; what undoes it
// network.cut          {"zone": "a", "direction": "full|inbound|outbound"}
//                      -> rules in core; deleting them
// network.loss         {"zone": "a", "percent": 5.0}
//                      -> rules in core, for each packet into and out of the zone; deleting them
// network.isolate      {"host": "a-redis"} -> rules at the host; deleting them
// wire.shape           {"zone": "a", "delay_ms": 20, "jitter_ms": 0, "rate_mbit": 0}
//                      -> a layer of the wire, added each way, rate 0: no limit; removing it
// process.kill         {"component": "a-redis"} -> SIGKILL, held; letting it start again
// process.stop         {"component": "a-redis"} -> SIGSTOP, held; SIGCONT
// cache.switchover     {"cache": "sessions"} -> asked of Sentinel; nothing
// database.switchover  {"database": "orders"} -> asked of the manager; nothing
// spot.reclaim         {"component": "a-spot", "notice_ms": 5000, "grace_ms": 1000,
//                       "replace_after_ms": 3000 or null}
//                      -> announced in the metadata; after the notice SIGTERM, after the grace
//                      SIGKILL, then a replacement; withdrawing it and starting what is down
// nat.shrink           {"eips": 1, "ports_per_eip": 64} -> rules in nat, for new flows; deleting
// flows.hold           {"host": "neighbour", "to": "pay", "flows": 2048}
//                      -> connections, held open; closing them
// dependency.degrade   {"dependency": "pay", "mode": "latency|reset|status|slow_body",
//                       "delay_ms": 30000, "status": 503, "share_percent": 100}
//                      -> a layer of its server; removing it
// clang-format on

void to_json(Json& out, const Action& action);
void from_json(const Json& in, Action& action);

/// `refused`: surely nothing changed. `unknown` (a lost answer) is treated as done.
enum class Outcome { done, refused, unknown };
std::string_view to_string(Outcome outcome);

/// A question about the cause of a fault, answered by looking, never by waiting for a reaction.
struct Check {
  std::string kind;  ///< see the table below
  Json args;
  std::string summary;  ///< "a-redis does not answer"
};
// clang-format off
// kind                    args -> holds when
// component.state         {"component", "state": "running|stopped|dead"} -> it is in that state
// component.silent        {"component"}
//                         -> a connect or PING from its zone's router has no answer in 300 ms
// network.unreachable     {"from": host, "to": component} -> a TCP connect has no answer in 1 s
// network.loses           {"from": host, "to": host, "at_least_percent": 4.0}
//                         -> of 200 pings so many are lost
// network.round_trip      {"from": host, "to": host, "at_least_ms": 30}
//                         -> the median of 10 pings took so long
// cache.primary_not       {"cache", "component"} -> another node is the writable primary
// database.rw_not         {"database", "component"} -> another node is the writable one
// spot.announced          {"component"} -> its metadata shows a termination time
// spot.gone               {"component", "action": id} -> the process that was reclaimed has ended
// nat.flows               {"to": component, "from": host (may be left out), "at_least": 2048}
//                         -> conntrack in nat counts so many established flows to its address and
//                         port, of that origin
// nat.flow_dropped        {"from": host, "to": component}
//                         -> a new connect through nat has no answer in 2 s
// dependency.good         {"dependency", "within_ms": 500} -> a direct call is answered well
// dependency.bad          {"dependency", "within_ms": 2000, "calls": 1, "at_least": 1}
//                         -> so many of the direct calls have no good answer
// clang-format on

void to_json(Json& out, const Check& check);
void from_json(const Json& in, Check& check);

struct CheckResult {
  bool holds = false;
  std::string
      evidence;  ///< what was seen, with figures: "connect to 10.0.1.20:6379 timed out (300 ms)"
};

/// A fact that must be the same before and after: never a pid, a counter or a position.
struct Invariant {
  std::string name;    ///< "component a-redis", "cache sessions primary", "rules core"
  std::string value;   ///< "healthy", "a-redis", "as built"
  std::string wanted;  ///< the only healthy value; empty when any value is
};

enum class ProcessState { running, stopped, dead };
std::string_view to_string(ProcessState state);

/// A process of the environment.
struct Component {
  std::string name;  ///< unique: "a-redis", "a-sentinel", "a-spot", "alb"
  std::string kind;  ///< redis, sentinel, database, manager, endpoint, app, balancer, metadata,
                     ///< dependency, wire
  std::string host;
  std::string zone;  ///< empty for regional components
  std::string address;
  std::uint16_t port = 0;
  ProcessState state = ProcessState::running;
  bool healthy = true;
  std::string health;              ///< in words: "replica in sync", "connection refused"
  int pid = 0;                     ///< inside the environment; 0 when dead
  std::uint64_t memory_bytes = 0;  ///< resident, with what it started
  std::uint64_t cpu_ms = 0;        ///< used since it was started, with what it started
  /// What reached it since it was started, as it counts that itself: "requests" of HTTP,
  /// "connections", and "writes" as only probes of kind redis_writes send them. Others may send the
  /// like, so it is never less than what the probes have sent. What it does not count is absent.
  using Counts = std::map<std::string, std::uint64_t>;
  Counts arrived;
  /// service, spot ("true"), dependency; cache with role primary or replica; database with role rw
  /// or ro. A node without a role now has no such label.
  std::map<std::string, std::string> labels;
};

/// What is in force now.
struct InForce {
  Action action;
  Epoch epoch = 0;
  Duration expires_in{};  ///< until the target reverts it on its own
};

/// The way to third parties: flows to one address and port share the pool's ports.
struct Nat {
  std::string host;  ///< where it is done; empty: there is none
  int eips = 0;      ///< in the pool
  int ports_per_eip = 0;
  [[nodiscard]] int ports() const { return eips * ports_per_eip; }
};

/// CPU time of the machine that carries an environment, summed over its cores since some moment.
struct Machine {
  std::uint64_t total_ms = 0;
  std::uint64_t idle_ms = 0;
  std::uint64_t own_ms = 0;  ///< used by the environment, its workers and the process that asks
};

/// One look at an environment.
struct World {
  std::string name;     ///< "lab"
  std::string profile;  ///< "hardened", "naive"
  std::vector<std::string> zones;
  std::vector<std::string> hosts;
  std::vector<Component> components;
  /// Cache or database -> the component that is its primary (rw) at home.
  std::map<std::string, std::string> homes;
  Nat nat;
  std::vector<InForce> in_force;
  std::optional<Machine> machine;  ///< none: it runs on machines of its own
  std::string owner;               ///< who holds the environment; empty when free

  [[nodiscard]] const Component* find(std::string_view component) const;
  /// The nodes of a cache or a database, in the order of `components`.
  [[nodiscard]] std::vector<const Component*> nodes_of(std::string_view store) const;
  /// The primary of a cache or the rw node of a database; nullptr when none is known.
  [[nodiscard]] const Component* primary(std::string_view store) const;
  [[nodiscard]] std::vector<const Component*> with_label(std::string_view key,
                                                         std::string_view value) const;
};

void to_json(Json& out, const World& world);
void from_json(const Json& in, World& world);

/// Something that happened in the environment:
/// {"component_died", {"component", "by_fault", "how"}}, {"owner_lost", {"owner"}},
/// {"deadline_fired", {"action", "reason"}},
/// {"action_lifted", {"action", "reason"}}: its undo found that somebody else had undone it before,
/// so from some moment on it was not in force,
/// {"target_gone", {"reason", "everything_gone"}}: with everything that was done to it, or else
/// only out of reach,
/// {"recovery_step", {"of", "step", "by", "component"}}: the environment itself noticed a failure
/// of a cache, a database or a service (`of`), or answered it. `step` is "detected" (`component`
/// has failed), "decided" (`component` is to become the primary, or is sent nothing more) or "done"
/// (it is the primary); `by` names the component that says so. It is told within a second.
struct Notice {
  Instant at;  ///< when it happened there, to a few ms, and not when it was told
  std::string name;
  Json detail;
};

/// In `Target::capabilities()` of a target that sends the notice `recovery_step`.
inline constexpr std::string_view tells_recovery_steps = "notice.recovery_step";

/// A worker process placed inside the environment. Dropping it ends the process.
class Worker {
 public:
  virtual ~Worker() = default;
  /// Writes one line to the worker's standard input.
  virtual void send(std::string line) = 0;
};

struct WorkerSpec {
  std::string host;  ///< where it runs: "client"
  std::vector<std::string>
      argv;           ///< without the program: {"worker"}; the target prepends `faultline`
  std::string input;  ///< the first line on its standard input
  std::function<void(std::string_view line)> on_line;  ///< a line of its standard output
  std::function<void(std::string reason)> on_exit;     ///< once; empty reason for exit code 0
};

/// An environment that can be broken, seen and put back.
class Target {
 public:
  virtual ~Target() = default;

  /// The kinds of action that it can do, and the notices that not every target has.
  [[nodiscard]] virtual std::set<std::string> capabilities() const = 0;
  /// Names the environment in the journal so that a later process finds it again.
  [[nodiscard]] virtual Json identity() const = 0;

  /// Takes the owner lock. Error `refused` names the holder. `who`: "run redis_failover, pid 12".
  /// `instead_of`: the epoch of an owner that may be replaced although its lease still runs, as a
  /// guard read it in the journal of an orchestrator that hangs; 0: nobody. Whoever is replaced is
  /// fenced from then on.
  virtual void acquire(std::string who, Epoch instead_of, Done<Epoch> done) = 0;
  virtual void release(Epoch epoch, Done<void> done) = 0;
  /// Heartbeat: everything applied in this epoch stays for another lease (10 s).
  virtual void renew(Epoch epoch, Done<void> done) = 0;

  /// Registers the action and its deadline before it is applied.
  virtual void arm(const Action& action, Epoch epoch, Done<void> done) = 0;
  virtual void apply(const Action& action, Epoch epoch, Done<Outcome> done) = 0;
  /// Idempotent: undoing what is not there succeeds. Returns when the undo is done, not when the
  /// environment has recovered. It may be asked while the action is still being applied: that is
  /// ended or waited for, and nothing of it is in force when the revert answers. Error `conflict`:
  /// somebody else changed what was to be undone, and it was left as it is; `not_found`: the
  /// environment is gone, and everything done to it.
  virtual void revert(const Action& action, Epoch epoch, Done<void> done) = 0;

  virtual void observe(Done<World> done) = 0;
  virtual void check(const Check& check, Done<CheckResult> done) = 0;
  virtual void invariants(Done<std::vector<Invariant>> done) = 0;
  /// Asks the environment's own managers to bring every moved role home. Returns when asked and
  /// answered with the list of moves in words (empty: all were home).
  virtual void bring_home(Epoch epoch, Done<std::vector<std::string>> done) = 0;

  virtual void start_worker(WorkerSpec spec, Done<std::unique_ptr<Worker>> done) = 0;
  /// Notices until the target is destroyed; one listener.
  virtual void on_notice(std::function<void(const Notice&)> listener) = 0;
  /// Copies the components' logs into `folder`.
  virtual Result<> save_logs(const std::string& folder) = 0;
};

}  // namespace faultline::targets
