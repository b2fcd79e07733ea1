#include "tests/simulation/programs.hpp"

#include "tests/fake/forwarding_target.hpp"

#include <fmt/format.h>

namespace faultline::simulation {

using namespace std::chrono_literals;
using guard::GuardLife;

Recoverer::Recoverer(World& world, Platters& platters, int connection, std::string who, Told told)
    : world_(world),
      platters_(platters),
      process_(world.clock()),
      target_(world, process_, connection),
      who_(std::move(who)),
      told_(std::move(told)),
      connection_(connection) {}

void Recoverer::recover(std::function<void(bool, bool)> done) {
  auto runs = open_runs(platters_);
  done_ = std::move(done);
  if (runs.empty()) {
    return std::exchange(done_, nullptr)(true, true);
  }
  if (!journal_) {
    journal_ = std::make_unique<SimJournal>(world_, process_, platters_.undo, 0);
  }
  next(std::move(runs), true);
}

void Recoverer::next(std::vector<engine::OpenRun> runs, bool complete) {
  if (runs.empty()) {
    return std::exchange(done_, nullptr)(complete, false);
  }
  auto run = std::move(runs.front());
  runs.erase(runs.begin());
  engine::recover(std::move(run),
                  {.clock = process_.clock(),
                   .journal = *journal_,
                   .reach =
                       [this](const engine::Json&) {
                         return Result<std::unique_ptr<targets::Target>>(
                             std::make_unique<fake::ForwardingTarget>(target_));
                       },
                   .who = who_,
                   .on_event = [this](const engine::Json& e) { told_(who_, e.dump()); }},
                  [this, runs = std::move(runs), complete](const engine::Recovery& recovery) {
                    told_(who_, recovery.complete() ? recovery.how : recovery.residue.front());
                    next(runs, complete && recovery.complete());
                  });
}

void Recoverer::kill() {
  process_.kill();
  if (journal_) {
    journal_->crash();
  }
  world_.connection_closed(connection_);
}

Guard::Guard(World& world, Platters& platters, int connection, Told told)
    : recoverer_(world, platters, connection, "guard", told),
      told_(std::move(told)),
      life_(world.clock().now()) {
  look();
}

void Guard::attach() {
  feed(GuardLife::Attached{1, "journal"});
}

void Guard::beat(std::function<void(bool)> answer) {
  recoverer_.process().deliver([this, answer = std::move(answer)] {
    if (alive()) {
      relieved_ = false;
      feed(GuardLife::Beat{1});
      answer(!relieved_);
    }
  });
}

void Guard::look() {
  auto& clock = recoverer_.process().clock();
  timer_ = clock.at(life_.due(), [this] {
    if (alive()) {
      feed(GuardLife::Tick{});
      look();
    }
  });
}

void Guard::feed(const GuardLife::Event& event) {
  for (const auto& command : life_.on(event, recoverer_.process().clock().now())) {
    std::visit([this](const auto& c) { run(c); }, command);
  }
}

void Guard::run(const GuardLife::Recover& command) {
  told_("guard", command.owner_hangs ? "the orchestrator hangs" : "the orchestrator is gone");
  recoverer_.process().deliver([this] {
    recoverer_.recover([this](bool complete, bool nothing_open) {
      if (alive()) {
        feed(GuardLife::Recovered{"journal", complete, nothing_open});
      }
    });
  });
}

Orchestrator::Orchestrator(World& world, Platters& platters, int connection, Options options,
                           Told told)
    : world_(world),
      process_(world.clock()),
      target_(world, process_, connection),
      journal_(world, process_, platters.own, options.disk_fails_percent),
      connection_(connection),
      options_(std::move(options)),
      told_(std::move(told)),
      begun_(world.clock().now()) {
  target_.give_trouble(options_.trouble);
  engine::RunInputs inputs{.environment = options_.environment,
                           .experiment = options_.experiment,
                           .target = target_,
                           .journal = journal_,
                           .clock = process_.clock(),
                           .executor = process_.io().get_executor(),
                           .id = options_.id,
                           .operator_name = "simulation",
                           .profile = "hardened",
                           .wait_for_owner = options_.wait_for_owner,
                           .measure = !options_.environment.probes.empty(),
                           .on_event =
                               [this](const engine::Json& event) {
                                 if (event["name"] == "phase") {
                                   phase_ = event["phase"];
                                 }
                                 told_(options_.id, event.dump());
                               },
                           .halted = options_.halted};
  if (options_.guard != nullptr) {
    inputs.guarded = [this] {
      return answered_ && process_.clock().now() < *answered_ + GuardLife::lease;
    };
  }
  run_ = std::make_unique<engine::Run>(std::move(inputs));
}

void Orchestrator::start() {
  if (options_.guard != nullptr) {
    attach(*options_.guard);
    beat();
  }
  run_->start([this](engine::RunResult result) {
    result_ = std::move(result);
    if (options_.guard != nullptr && process_.alive()) {
      options_.guard->detach();
    }
  });
}

void Orchestrator::attach(Guard& guard) {
  options_.guard = &guard;
  guard.attach();
  answered_ = process_.clock().now();
}

/// As guard::Link does: what was answered counts from when it was sent.
void Orchestrator::beat() {
  const auto sent = process_.clock().now();
  options_.guard->beat([this, sent](bool guarded) {
    process_.deliver([this, sent, guarded] {
      if (guarded) {
        answered_ = sent;
      } else if (!result_ && process_.alive()) {
        answered_.reset();
        run_->stop(engine::Stop::environment_lost, "the guard put everything back");
      }
    });
  });
  beat_ = process_.clock().at(sent + 500ms, [this] {
    if (process_.alive() && !result_) {
      beat();
    }
  });
}

void Orchestrator::abort(const std::string& reason) {
  process_.deliver([this, reason] {
    if (!result_) {
      run_->stop(engine::Stop::abort, reason);
    }
  });
}

void Orchestrator::kill() {
  process_.kill();
  journal_.crash();
  world_.connection_closed(connection_);
  if (options_.guard != nullptr && options_.guard->alive()) {
    options_.guard->recoverer().process().deliver([g = options_.guard] {
      if (g->alive()) {
        g->lost();
      }
    });
  }
  process_.deliver([this] {
    if (!result_) {
      run_->stop(engine::Stop::abort, "killed");
    }
  });
}

}  // namespace faultline::simulation
