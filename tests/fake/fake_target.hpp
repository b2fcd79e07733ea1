#pragma once

#include "orchestrator/store/journal.hpp"
#include "targets/target.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace faultline::fake {

/// A journal in memory; `broken` is a full disk.
class MemoryJournal : public store::Journal {
 public:
  void append(nlohmann::json record, std::function<void(Result<>)> done) override {
    if (broken) {
      return done(Error{ErrorKind::io, "no space left on device"});
    }
    records.push_back(std::move(record));
    done({});
  }
  bool broken = false;
  std::vector<nlohmann::json> records;
};

/// A world in memory: three zones, each with a node of the cache "sessions" and of the database
/// "orders" and two app nodes; a third party behind a NAT gateway.
/// Faults act on it as on the lab; the knobs below make it misbehave. Answers come through the
/// io_context.
class FakeTarget : public targets::Target {
 public:
  explicit FakeTarget(boost::asio::io_context& io, Clock& clock) : io_(io), clock_(clock) {
    world.name = "fake";
    world.profile = "hardened";
    world.zones = {"a", "b", "c"};
    world.homes = {{"sessions", "a-redis"}, {"orders", "a-db"}};
    world.nat = {.host = "nat", .eips = 2, .ports_per_eip = 2048};
    world.hosts = {"client", "nat", "neighbour", "pay"};
    for (const auto& zone : world.zones) {
      add(zone + "-redis", "redis", zone,
          {{"cache", "sessions"}, {"role", zone == "a" ? "primary" : "replica"}});
      add(zone + "-db", "database", zone,
          {{"database", "orders"}, {"role", zone == "a" ? "rw" : "ro"}});
      add(zone + "-reserved", "app", zone, {{"service", "app"}});
      add(zone + "-spot", "app", zone, {{"service", "app"}, {"spot", "true"}});
    }
    add("pay", "dependency", "", {{"dependency", "pay"}});
  }

  // What it does, in order: "arm x", "apply x", "revert x".
  std::vector<std::string> log;
  targets::World world;
  std::set<std::string> armed, in_force;
  std::optional<Instant> first_applied;  ///< since the test forgot it
  targets::Epoch replaced = 0;  ///< what the last acquire was to replace

  // Knobs.
  bool refuse_apply = false;  ///< the target says no
  bool lose_answer = false;   ///< apply happens, its answer does not
  bool no_effect = false;     ///< apply answers done, and does nothing
  bool drop_undo = false;     ///< revert answers done, and does nothing
  std::string dropped_undo;   ///< only the undo of this action
  int failing_reverts = 0;    ///< so many reverts fail first
  bool unhealthy = false;
  bool dependency_slow = false;  ///< before anything is in force
  Duration goes_after{};         ///< a reclaimed node is gone so long after the first apply
  std::optional<Error> acquire_error;
  std::function<bool(const std::string& probe, Instant due)> bad;  ///< which requests are bad
  std::function<bool(const std::string& probe, Instant due)> degraded;
  std::function<bool(const std::string& probe, Instant due)> held;    ///< no answer while it is so
  std::function<bool(const std::string& probe, Instant due)> unsent;  ///< never sent, nor reported
  std::function<bool(const std::string& probe)> dead;  ///< its worker ends without a word
  std::string liar;  ///< a probe that reports answers without sending
  std::uint64_t lost_writes = 0;
  double worker_delay_ms = 1;
  bool tells_steps = true;                       ///< of its recoveries, by notices
  std::function<void(targets::World&)> on_look;  ///< before each: as time does to counters
  std::function<void(const targets::Notice&)> listener;

  std::set<std::string> capabilities() const override {
    std::set<std::string> all{"network.cut",      "network.loss",        "network.isolate",
                              "wire.shape",       "process.kill",        "process.stop",
                              "cache.switchover", "database.switchover", "spot.reclaim",
                              "nat.shrink",       "flows.hold",          "dependency.degrade"};
    if (tells_steps) {
      all.emplace(targets::tells_recovery_steps);
    }
    return all;
  }
  targets::Json identity() const override { return {{"target", "fake"}}; }

  void acquire(std::string, targets::Epoch instead_of,
               targets::Done<targets::Epoch> done) override {
    replaced = instead_of;
    post([this, done] { done(acquire_error ? Result<targets::Epoch>(*acquire_error) : ++epoch_); });
  }
  void release(targets::Epoch, targets::Done<void> done) override { answer(done); }
  void renew(targets::Epoch, targets::Done<void> done) override { answer(done); }
  void arm(const targets::Action& action, targets::Epoch, targets::Done<void> done) override {
    log.push_back("arm " + action.id);
    armed.insert(action.id);
    answer(done);
  }
  void apply(const targets::Action& action, targets::Epoch,
             targets::Done<targets::Outcome> done) override {
    log.push_back("apply " + action.id);
    applied_at_ = clock_.now();
    first_applied = first_applied.value_or(applied_at_);
    if (!refuse_apply && !no_effect) {
      in_force.insert(action.id);
      actions_[action.id] = action;
    }
    post([this, done] {
      done(refuse_apply  ? Result<targets::Outcome>(targets::Outcome::refused)
           : lose_answer ? Result<targets::Outcome>(Error{ErrorKind::timeout, "no answer in 5 s"})
                         : Result<targets::Outcome>(targets::Outcome::done));
    });
  }
  void revert(const targets::Action& action, targets::Epoch, targets::Done<void> done) override {
    log.push_back("revert " + action.id);
    if (failing_reverts > 0) {
      --failing_reverts;
      return post([done] { done(Error{ErrorKind::io, "connection reset"}); });
    }
    if (!drop_undo && action.id != dropped_undo) {
      in_force.erase(action.id);
    }
    answer(done);
  }
  void observe(targets::Done<targets::World> done) override {
    post([this, done] {
      if (on_look) {
        on_look(world);
      }
      done(world);
    });
  }
  void check(const targets::Check& check, targets::Done<targets::CheckResult> done) override {
    post([this, done, check] { done(seen(check)); });
  }
  void invariants(targets::Done<std::vector<targets::Invariant>> done) override {
    post([this, done] {
      std::vector<targets::Invariant> all;
      all.push_back({"environment", unhealthy ? "sick" : "healthy", "healthy"});
      all.push_back({"cache sessions primary", primary_, ""});
      std::string rules;
      for (const auto& id : in_force) {
        rules += id + " ";
      }
      all.push_back({"in force", rules, ""});
      done(all);
    });
  }
  void bring_home(targets::Epoch, targets::Done<std::vector<std::string>> done) override {
    post([done] { done(std::vector<std::string>{}); });
  }
  void start_worker(targets::WorkerSpec spec,
                    targets::Done<std::unique_ptr<targets::Worker>> done) override;
  void on_notice(std::function<void(const targets::Notice&)> l) override {
    listener = std::move(l);
  }
  Result<> save_logs(const std::string&) override { return {}; }

  /// A request of a probe of that kind reached whom its args name.
  void arrive(const std::string& kind, const targets::Json& args) {
    const auto counted = kind == "http"           ? "requests"
                         : kind == "redis_writes" ? "writes"
                                                  : "connections";
    for (auto& c : world.components) {
      const bool there = args.contains("host") ? c.address == args.value("host", "") &&
                                                     c.port == args.value("port", 0)
                                               : args.contains("cache") && c.name == primary_;
      if (there && c.arrived.contains(counted)) {
        ++c.arrived[counted];
      }
    }
  }
  void fail_over_to(const std::string& node) { primary_ = node; }
  boost::asio::io_context& io() { return io_; }
  Clock& clock() { return clock_; }
  void post(std::function<void()> f) { boost::asio::post(io_, std::move(f)); }

 private:
  void add(const std::string& name, const std::string& kind, const std::string& zone,
           std::map<std::string, std::string> labels) {
    targets::Component c;
    c.name = c.host = name;
    c.kind = kind;
    c.zone = zone;
    c.labels = std::move(labels);
    world.components.push_back(std::move(c));
  }
  [[nodiscard]] targets::CheckResult seen(const targets::Check& check) const {
    if (check.kind == "dependency.good") {
      return {!dependency_slow, dependency_slow ? "it took 900 ms" : "it took 3 ms"};
    }
    if (check.kind == "spot.gone") {
      const bool gone = !in_force.empty() && clock_.now() >= applied_at_ + goes_after;
      return {gone, gone ? "it exited" : "it still runs"};
    }
    return {!in_force.empty(), in_force.empty() ? "it answers" : "no answer"};
  }
  void answer(const targets::Done<void>& done) {
    post([done] { done({}); });
  }

  boost::asio::io_context& io_;
  Clock& clock_;
  targets::Epoch epoch_ = 0;
  Instant applied_at_{};
  std::string primary_ = "a-redis";
  std::map<std::string, targets::Action> actions_;
};

/// A worker that measures at its rate and finds what `is_bad(due)` says, on the target's clock.
class FakeWorker : public targets::Worker {
 public:
  FakeWorker(FakeTarget& target, targets::WorkerSpec spec)
      : state_(std::make_shared<State>(target, std::move(spec))) {
    state_->start();
  }
  ~FakeWorker() override { state_->timer.reset(); }
  FakeWorker(const FakeWorker&) = delete;
  FakeWorker& operator=(const FakeWorker&) = delete;
  void send(std::string line) override {
    if (line == "finish") {
      state_->finish();
    }
  }

 private:
  struct State : std::enable_shared_from_this<State> {
    State(FakeTarget& t, targets::WorkerSpec s)
        : target(t), spec(std::move(s)), input(nlohmann::json::parse(spec.input)) {}
    static std::int64_t us(Instant t) {
      return std::chrono::duration_cast<std::chrono::microseconds>(t.time_since_epoch()).count();
    }
    void start() {
      next = target.clock().now();
      target.post([self = shared_from_this()] {
        self->say({{"started", us(self->next)}});
        self->tick();
      });
    }
    void tick() {
      const auto now = target.clock().now();
      const auto gap = std::chrono::nanoseconds(
          static_cast<std::int64_t>(1e9 / input["rate_per_s"].get<double>()));
      const std::string probe = input["probe"];
      if (target.dead && target.dead(probe)) {
        return spec.on_exit("killed by signal 9");
      }
      for (; next <= now; next += gap) {
        if (!target.unsent || !target.unsent(probe, next)) {
          open.push_back(next);
        }
      }
      nlohmann::json samples = nlohmann::json::array();
      std::erase_if(open, [&](Instant due) {
        if (target.held && target.held(probe, due)) {
          return false;
        }
        samples.push_back(answer(probe, due, held_once.contains(due) ? now - due : quick));
        if (probe != target.liar) {
          target.arrive(input["kind"], input["args"]);
        }
        return true;
      });
      held_once.insert(open.begin(), open.end());
      say({{"samples", samples},
           {"seen_until", us(open.empty() ? next : open.front())},
           {"waiting", open.size()}});
      timer = target.clock().at(now + std::chrono::milliseconds(100), [this] { tick(); });
    }
    nlohmann::json answer(const std::string& probe, Instant due, Duration took) const {
      const bool bad = target.bad && target.bad(probe, due);
      const bool less = target.degraded && target.degraded(probe, due);
      const auto took_us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
      return {us(due), took_us, took_us,
              bad    ? 2
              : less ? 1
                     : 0,
              bad ? nlohmann::json("refused") : nlohmann::json(0)};
    }
    void finish() {
      timer.reset();
      if (input["args"].contains("prefix")) {
        say({{"writes", {{"attempted", 100}, {"acknowledged", 90}, {"lost", target.lost_writes}}}});
      }
      say({{"finished", us(target.clock().now())}, {"delay_p99_ms", target.worker_delay_ms}});
    }
    void say(const nlohmann::json& line) { spec.on_line(line.dump()); }

    FakeTarget& target;
    targets::WorkerSpec spec;
    nlohmann::json input;
    static constexpr Duration quick = std::chrono::milliseconds(2);
    Instant next{};
    std::vector<Instant> open;  ///< sent and not answered
    std::set<Instant> held_once;
    std::unique_ptr<Timer> timer;
  };
  std::shared_ptr<State> state_;
};

inline void FakeTarget::start_worker(targets::WorkerSpec spec,
                                     targets::Done<std::unique_ptr<targets::Worker>> done) {
  post([this, spec = std::move(spec), done]() mutable {
    done(std::unique_ptr<targets::Worker>(std::make_unique<FakeWorker>(*this, std::move(spec))));
  });
}

}  // namespace faultline::fake
