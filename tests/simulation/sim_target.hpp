#pragma once

#include "tests/simulation/load.hpp"

#include <list>

namespace faultline::simulation {

/// A process' connection to the world. Requests take their time and may be lost, served late or
/// refused; they are served even when the process has died since.
class SimTarget : public targets::Target {
 public:
  SimTarget(World& world, Process& process, int connection)
      : world_(world), process_(process), connection_(connection) {}

  std::set<std::string> capabilities() const override {
    return {"network.cut",  "network.loss", "network.isolate",  "wire.shape",
            "process.kill", "process.stop", "cache.switchover", "database.switchover",
            "spot.reclaim", "nat.shrink",   "flows.hold",       "dependency.degrade"};
  }
  targets::Json identity() const override { return {{"target", "simulated"}}; }

  void acquire(std::string who, targets::Epoch instead_of,
               targets::Done<targets::Epoch> done) override {
    call<targets::Epoch>(
        "acquire", "", false,
        [this, who, instead_of] { return world_.acquire(who, instead_of, connection_); }, done);
  }
  void release(targets::Epoch epoch, targets::Done<void> done) override {
    call<void>(
        "release", "", false, [this, epoch] { return world_.ownership().release(epoch); }, done);
  }
  void renew(targets::Epoch epoch, targets::Done<void> done) override {
    call<void>(
        "renew", "", false, [this, epoch] { return world_.renew(epoch); }, done);
  }
  void arm(const targets::Action& action, targets::Epoch epoch, targets::Done<void> done) override {
    call<void>(
        "arm " + action.id, action.id, true,
        [this, action, epoch] { return world_.arm(action, epoch); }, done);
  }
  void apply(const targets::Action& action, targets::Epoch epoch,
             targets::Done<targets::Outcome> done) override {
    send<targets::Outcome>(
        "apply " + action.id, action.id, true,
        [this, id = action.id, epoch](targets::Done<targets::Outcome> applied) {
          world_.apply(id, epoch, std::move(applied));
        },
        done);
  }
  void revert(const targets::Action& action, targets::Epoch epoch,
              targets::Done<void> done) override {
    call<void>(
        "revert " + action.id, action.id, true,
        [this, id = action.id, epoch] { return world_.revert(id, epoch); }, done);
  }
  void observe(targets::Done<targets::World> done) override {
    call<targets::World>(
        "observe", "", false, [this] { return Result<targets::World>(world_.observe()); }, done);
  }
  void check(const targets::Check& check, targets::Done<targets::CheckResult> done) override {
    call<targets::CheckResult>(
        "check", "", false, [this, check] { return ok(world_.check(check)); }, done);
  }
  void invariants(targets::Done<std::vector<targets::Invariant>> done) override {
    call<std::vector<targets::Invariant>>(
        "invariants", "", false, [this] { return ok(world_.invariants()); }, done);
  }
  void bring_home(targets::Epoch, targets::Done<std::vector<std::string>> done) override {
    call<std::vector<std::string>>(
        "bring_home", "", false, [] { return ok(std::vector<std::string>{}); }, done);
  }
  void start_worker(targets::WorkerSpec spec,
                    targets::Done<std::unique_ptr<targets::Worker>> done) override {
    process_.deliver([this, spec = std::move(spec), done] {
      if (!process_.alive()) {
        return done(Error{ErrorKind::io, "the connection is lost"});
      }
      done(std::unique_ptr<targets::Worker>(
          std::make_unique<SimWorker>(world_, process_, spec, trouble_, traffic_.emplace_back())));
    });
  }
  void on_notice(std::function<void(const targets::Notice&)> listener) override {
    listener_ = std::move(listener);
  }
  Result<> save_logs(const std::string&) override { return {}; }

  /// Comes over one of the workers that are started from now on.
  void give_trouble(Trouble trouble) { trouble_ = std::move(trouble); }
  /// Of the workers that were started.
  [[nodiscard]] const std::list<Traffic>& traffic() const { return traffic_; }

  void hear(const targets::Notice& notice) {
    process_.deliver([this, notice] {
      if (listener_ && process_.alive()) {
        listener_(notice);
      }
    });
  }

 private:
  /// As long as the lab's client waits for an answer.
  static constexpr Duration answer_limit = std::chrono::seconds(5);

  template <class T>
  void call(const std::string& name, const std::string& action, bool steps,
            std::function<Result<T>()> serve, targets::Done<T> done) {
    send<T>(
        name, action, steps, [serve](const targets::Done<T>& served) { served(serve()); }, done);
  }
  /// `steps`: it is one that changes the world, and so a step at which a process may be killed.
  template <class T>
  void send(const std::string& name, const std::string& action, bool steps,
            std::function<void(targets::Done<T>)> serve, targets::Done<T> done) {
    step(steps, "before " + name);
    if (!process_.alive()) {
      return process_.deliver([done] { done(Error{ErrorKind::io, "the connection is lost"}); });
    }
    const auto fate = world_.fate();
    using Kind = World::Fate::Kind;
    auto answered = std::make_shared<bool>(false);
    const auto answer = [this, answered, done, steps, name](const Result<T>& result) {
      if (!std::exchange(*answered, true)) {
        step(steps, "answer of " + name);
        done(result);
      }
    };
    later(
        fate.kind == Kind::lost_request || fate.kind == Kind::lost_answer || fate.kind == Kind::late
            ? answer_limit
            : answer_limit + fate.delay,
        [this, answer] {
          process_.deliver([answer] { answer(Error{ErrorKind::timeout, "no answer within 5 s"}); });
        });
    if (fate.kind == Kind::refused) {
      return later(fate.delay, [this, answer] {
        process_.deliver([answer] { answer(Error{ErrorKind::refused, "the target says no"}); });
      });
    }
    if (fate.kind == Kind::lost_request) {
      return;
    }
    later(arrives_after(action, fate.delay), [this, serve, answer, kind = fate.kind] {
      serve([this, answer, kind](const Result<T>& result) {
        if (kind == Kind::done) {
          process_.deliver([answer, result] { answer(result); });
        }
      });
    });
  }
  /// What one process asks of one action arrives in its order.
  Duration arrives_after(const std::string& action, Duration delay) {
    const auto now = world_.clock().now();
    if (action.empty()) {
      return delay;
    }
    auto& last = arrived_at_[action];
    last = std::max(now + delay, last + std::chrono::microseconds(1));
    return last - now;
  }
  void later(Duration after, std::function<void()> then) {
    timers_.push_back(world_.clock().at(world_.clock().now() + after, std::move(then)));
  }
  void step(bool steps, const std::string& name) {
    if (steps && process_.alive()) {
      world_.on_step(name);
    }
  }

  World& world_;
  Process& process_;
  int connection_;
  Trouble trouble_;
  std::list<Traffic> traffic_;
  std::map<std::string, Instant> arrived_at_;  // the last request, by action
  std::function<void(const targets::Notice&)> listener_;
  std::vector<std::unique_ptr<Timer>> timers_;  // until the end of the seed
};

}  // namespace faultline::simulation
