#include "orchestrator/engine/run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace faultline::engine {
namespace {

constexpr Duration heal_limit = std::chrono::seconds(30);  // as long as a residue may settle
constexpr Duration heal_pause = std::chrono::milliseconds(200);
constexpr Duration renew_every = std::chrono::seconds(1);  // the target's lease is 10 s
constexpr Duration verify_window = std::chrono::seconds(5);

FaultPorts make_ports(const RunInputs& in, Ledger& ledger, Timeline& timeline) {
  return {.target = in.target,
          .journal = in.journal,
          .ledger = ledger,
          .clock = in.clock,
          .timeline = timeline,
          .guarded = in.guarded};
}

}  // namespace

Run::Run(RunInputs inputs)
    : in_(std::move(inputs)),
      environment_(with_probes(in_.environment, in_.experiment)),
      timeline_(in_.clock, in_.on_event),
      ledger_(environment_.guardrails, environment_.staging, !in_.approvals.empty()),
      probes_(in_.target, [this] { changed(); }),
      ports_(make_ports(in_, ledger_, timeline_)) {
  ports_.changed = [this] { changed(); };
  ports_.compare = [this](const auto& done) { compare(done); };
}

Run::~Run() = default;

void Run::start(std::function<void(RunResult)> done) {
  done_ = std::move(done);
  timeline_.tell("run_started", {{"id", in_.id},
                                 {"experiment", in_.experiment.name},
                                 {"title", in_.experiment.title},
                                 {"profile", in_.profile},
                                 {"environment", environment_.name}});
  in_.target.on_notice([this, alive = std::weak_ptr(alive_)](const targets::Notice& notice) {
    if (!alive.expired()) {
      on_notice(notice);
    }
  });
  tick_ = later(tick_every, [this] { tick(); });
  pulse();
  next(life_.begin());
}

void Run::stop(Stop why, const std::string& reason) {
  timeline_.tell("stop", {{"reason", reason}});
  cancelled_ = cancelled_.empty() ? reason : cancelled_;
  if (in_.experiment.cancel) {
    in_.experiment.cancel(reason);
  }
  next(life_.stop(why, reason));
}

void Run::next(RunLife::Command command) {
  switch (command) {
    case RunLife::Command::heal:
      return heal();
    case RunLife::Command::check_requires:
      return check_requires();
    case RunLife::Command::run_method:
      return run_method();
    case RunLife::Command::cancel_method:
      return changed();  // its next look throws
    case RunLife::Command::revert_all:
      return revert_all();
    case RunLife::Command::hurry:
    case RunLife::Command::leave:
      end_faults();
      return changed();
    case RunLife::Command::verify:
      return verify();
    case RunLife::Command::judge:
      return judge_all();
    case RunLife::Command::report:
      return report();
    case RunLife::Command::none:
      return;
  }
}

std::unique_ptr<Timer> Run::later(Duration after, std::function<void()> then) {
  return in_.clock.at(in_.clock.now() + after, std::move(then));
}

void Run::when(std::function<bool()> condition, std::function<void()> then) {
  waiting_for_ = std::move(condition);
  then_ = std::move(then);
  changed();
}

void Run::changed() {
  if (fiber_ != nullptr) {
    fiber_->wake();
  }
  if (waiting_for_ && waiting_for_()) {
    waiting_for_ = nullptr;
    std::exchange(then_, nullptr)();
  }
}

void Run::enter(const std::string& phase, std::optional<Duration> expected) {
  const auto now = in_.clock.now();
  phase_expected_ = expected;
  if (phase == phase_name_) {
    return;
  }
  if (!phases_.empty()) {
    timeline_.stamp(phases_.back(), "finished", now);
  }
  Json entry = {{"name", phase}};
  timeline_.stamp(entry, "started", now);
  timeline_.stamp(entry, "finished", std::nullopt);
  phases_.push_back(std::move(entry));
  phase_name_ = phase;
  phase_started_ = now;
  timeline_.tell("phase",
                 {{"phase", phase}, {"expected_ms", expected ? Json(to_ms(*expected)) : Json()}});
}

void Run::heal() {
  enter("heal", std::nullopt);
  acquire(in_.clock.now() + in_.wait_for_owner);
}

void Run::acquire(Instant until) {
  const auto who = fmt::format("run {} of {}", in_.id, in_.operator_name);
  in_.target.acquire(who, 0, [this, until](const Result<targets::Epoch>& epoch) {
    if (epoch) {
      return acquired(*epoch);
    }
    if (epoch.error().kind != ErrorKind::refused || in_.clock.now() >= until || life_.stopping()) {
      return next(life_.done(epoch.error().message));
    }
    pause_ = later(heal_pause, [this, until] { acquire(until); });
  });
}

void Run::acquired(targets::Epoch epoch) {
  owns_ = true;
  epoch_ = ports_.epoch = epoch;
  heartbeat();
  if (life_.stopping()) {
    return next(life_.done());
  }
  in_.target.bring_home(epoch_, [this](const Result<std::vector<std::string>>& moves) {
    if (!moves) {
      return next(life_.done("roles could not be brought home: " + moves.error().message));
    }
    timeline_.tell("heal", {{"moves", *moves}});
    wait_until_healthy(in_.clock.now() + heal_limit);
  });
}

void Run::wait_until_healthy(Instant limit) {
  in_.target.invariants([this, limit](const Result<std::vector<targets::Invariant>>& found) {
    const auto wrong = found ? unhealthy(*found) : std::vector{found.error().message};
    if (wrong.empty()) {
      before_ = values_of(*found);
      ports_.journal_context = {{"run", in_.id}, {"target", in_.target.identity()}};
      ports_.before = before_;
      return next(life_.done());
    }
    if (in_.clock.now() >= limit || life_.stopping()) {
      return next(
          life_.done(fmt::format("the environment is not healthy: {}", fmt::join(wrong, "; "))));
    }
    if (!wrong.empty() && wrong.front() != awaited_) {
      awaited_ = wrong.front();
      note("waiting for a healthy environment: " + awaited_);
    }
    pause_ = later(heal_pause, [this, limit] { wait_until_healthy(limit); });
  });
}

void Run::check_requires() {
  enter("requires", std::nullopt);
  in_.target.observe([this](const Result<targets::World>& world) {
    if (!world) {
      return next(life_.done(world.error().message));
    }
    arrivals_.look(*world);
    for (const auto& need : in_.experiment.requirements) {
      std::size_t healthy = 0;
      for (const auto* node : world->nodes_of(need.subject)) {
        const auto role = node->labels.find("role");
        const bool follows =
            role != node->labels.end() && (role->second == "replica" || role->second == "ro");
        healthy += node->healthy && follows ? 1 : 0;
      }
      if (static_cast<double>(healthy) < need.count) {
        return next(life_.done(fmt::format(
            "precondition unmet: {} needs at least {:.0f} replicas in sync, found {} ({}:{})",
            need.subject, need.count, healthy, need.place.file, need.place.line)));
      }
    }
    auto monitored = in_.experiment.monitored;
    std::ranges::copy_if(steady_state(), std::back_inserter(monitored),
                         [](const Expectation& e) { return is_monitored(e.sli); });
    ask_beforehand(std::move(monitored));
  });
}

/// Whoever is asked later must be able to answer now: that a server is down, an expression wrong or
/// an alert unknown must not be found out after the fault.
void Run::ask_beforehand(std::vector<Expectation> left) {
  if (left.empty() || !in_.measure || life_.stopping()) {
    return next(life_.done());
  }
  const auto expectation = std::move(left.back());
  left.pop_back();
  const auto to = in_.clock.now() - arrival_delay(expectation.sli, environment_.prometheus);
  ask(open_objective(expectation, to - std::chrono::seconds(1), to),
      [this, left = std::move(left)](const Objective& told) mutable {
        const bool answered = told.figure || told.alert;
        if (!answered) {
          return next(life_.done("precondition unmet: " + told.reason));
        }
        ask_beforehand(std::move(left));
      });
}

void Run::run_method() {
  if (!in_.measure) {
    return spawn_method();
  }
  enter("baseline", std::nullopt);  // the load starts with it; the script says how long it is
  probes_.start(environment_, in_.id, in_.seed, [this](const Result<>& started) {
    if (!started) {
      return next(life_.done("a worker could not be started: " + started.error().message));
    }
    watch_usage();
    spawn_method();
  });
}

void Run::spawn_method() {
  if (life_.stopping()) {
    return next(life_.done());
  }
  Fiber::start(
      in_.executor,
      [this](Fiber& fiber) {
        struct Gone {  // before the fiber's own frame: its end may come long before `method_ended`
          Fiber*& pointer;
          ~Gone() { pointer = nullptr; }
        } gone{fiber_};
        fiber_ = &fiber;
        in_.experiment.method(*this);
      },
      [this](std::exception_ptr thrown) { method_ended(thrown); });
}

void Run::method_ended(std::exception_ptr thrown) {
  std::string problem;
  if (thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
      problem = error.what();
    }
  }
  if (!cancelled_.empty()) {
    return next(life_.done());  // a cancelled method ends by throwing; why is known already
  }
  if (problem.empty()) {
    const bool asked = !faults_.empty() || !left_out_.empty();
    return next(life_.done(asked ? "" : "nothing was injected: the method asked for no fault"));
  }
  timeline_.tell("script_error", {{"message", problem}});
  next(life_.done(problem));
}

void Run::end_faults() {
  for (auto fault = faults_.rbegin(); fault != faults_.rend(); ++fault) {  // newest first
    if (life_.leaving()) {
      (*fault)->leave();
      continue;
    }
    // What is over for another reason already need not wait for what the fault does by itself.
    (*fault)->end("", life_.stopping() || life_.in_doubt());
  }
}

void Run::revert_all() {
  enter("recover", std::nullopt);
  end_faults();
  when(
      [this] {
        return std::ranges::all_of(faults_, [](const auto& f) { return f->life().over(); });
      },
      [this] {
        for (const auto& fault : faults_) {
          if (fault->life().incomplete()) {
            life_.doubt(fmt::format("{}: {}", fault->id(), fault->life().problem()));
          }
          if (const auto& faded = fault->life().faded(); !faded.empty()) {
            life_.doubt(fmt::format("{}: its effect was there no more while it was held: {}",
                                    fault->id(), faded));
          }
          if (fault->life().state() == FaultLife::State::stuck) {
            life_.residue(
                fmt::format("{}: {}", fault->id(), fmt::join(fault->life().residue(), "; ")));
          }
        }
        next(life_.done());
      });
}

void Run::verify() {
  if (!in_.measure || (faults_.empty() && left_out_.empty())) {
    return next(life_.done());
  }
  enter("verify", environment_.settle + verify_window + told_after());
  const auto from = in_.clock.now() + environment_.settle;
  const auto to = from + verify_window;
  const auto latest = to + std::max(environment_.client_deadline + tick_every, told_after());
  const auto told = ask_steady_state(from, to);
  limit_ = later(latest - in_.clock.now(), [this] { changed(); });
  when(
      [this, to, latest, told] {
        return life_.stopping() || (probes_.seen_until() >= to && told->open == 0) ||
               !probes_.problem().empty() || in_.clock.now() >= latest;
      },
      [this, from, to, told] {
        judge_steady_state("verify", from, to, false, *told);
        next(life_.done());
      });
}

void Run::judge_all() {
  enter("judge", std::nullopt);
  watch_.reset();
  probes_.finish();
  const auto until = in_.clock.now() + drain_limit;
  limit_ = later(drain_limit, [this] { changed(); });
  when([this, until] { return !probes_.running() || in_.clock.now() >= until || life_.leaving(); },
       [this] {
         collect();
         next(life_.done());
       });
}

void Run::report() {
  enter("report", std::nullopt);
  const auto finish = [this](const Result<>&) {
    heartbeat_.reset();
    tick_.reset();
    pulse_.reset();
    if (!phases_.empty()) {
      timeline_.stamp(phases_.back(), "finished", in_.clock.now());
    }
    timeline_.tell(
        "run_finished",
        {{"id", in_.id}, {"verdict", to_string(life_.verdict())}, {"reason", life_.reason()}});
    RunResult result{record(), life_.exit_code(), all_closed()};
    life_.done();
    std::exchange(done_, nullptr)(std::move(result));
  };
  if (!owns_) {
    return finish({});
  }
  in_.target.release(epoch_, finish);
}

void Run::heartbeat() {
  heartbeat_ = later(renew_every, [this] {
    in_.target.renew(epoch_, [this, alive = std::weak_ptr(alive_)](const Result<>& renewed) {
      if (alive.expired() || !heartbeat_) {
        return;
      }
      if (!renewed &&
          renewed.error().kind != ErrorKind::timeout) {  // a late answer may be a busy one
        return stop(Stop::environment_lost, "the environment was lost: " + renewed.error().message);
      }
      heartbeat();
    });
  });
}

}  // namespace faultline::engine
