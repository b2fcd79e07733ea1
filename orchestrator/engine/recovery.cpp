#include "orchestrator/engine/recovery.hpp"

#include "orchestrator/engine/fault_runner.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <memory>

namespace faultline::engine {
namespace {

constexpr Duration renew_every = std::chrono::seconds(1);  // the target's lease is 10 s
/// Longer than a lease: whoever holds it and does not answer any more is over by then, even if it
/// is this process, whose first request was served and its answer lost.
constexpr Duration acquire_limit = std::chrono::seconds(15);
constexpr Duration acquire_pause = std::chrono::milliseconds(500);

/// One recovery under way. It keeps itself alive until it is over.
class PuttingBack : public std::enable_shared_from_this<PuttingBack> {
 public:
  PuttingBack(OpenRun run, const RecoveryPorts& ports, std::function<void(Recovery)> done)
      : run_(std::move(run)),
        in_(ports),
        done_(std::move(done)),
        ledger_({}, true),
        timeline_(ports.clock, ports.on_event) {}

  void start() {
    self_ = shared_from_this();
    auto target = in_.reach(run_.target);
    if (!target && target.error().kind == ErrorKind::not_found) {
      return close_all();
    }
    if (!target) {
      return end({"", {target.error().message}});
    }
    target_ = std::move(*target);
    acquire(in_.clock.now() + acquire_limit);
  }

 private:
  void acquire(Instant until) {
    const auto who = fmt::format("{}, for run {}", in_.who, run_.run);
    target_->acquire(who, run_.epoch, [self = shared_from_this(), until](const auto& epoch) {
      if (epoch) {
        return self->run_.damaged ? self->find_out(*epoch) : self->revert(*epoch);
      }
      const bool may_change =
          epoch.error().kind == ErrorKind::refused || epoch.error().kind == ErrorKind::timeout;
      if (!may_change || self->in_.clock.now() >= until) {
        return self->end({"", {epoch.error().message}});
      }
      self->pause_ = self->in_.clock.at(self->in_.clock.now() + acquire_pause,
                                        [self, until] { self->acquire(until); });
    });
  }

  /// Nobody else owns the environment now, so whatever it has in force is a leftover.
  void find_out(targets::Epoch epoch) {
    target_->observe([self = shared_from_this(), epoch](const Result<targets::World>& world) {
      if (!world) {
        const auto why = world.error().message;
        return self->target_->release(epoch, [self, why](const Result<>&) {
          self->end({"", {why}});
        });
      }
      for (const auto& found : world->in_force) {
        self->run_.faults.front().actions.push_back(found.action);
      }
      self->how_ = self->run_.faults.front().actions.empty()
                       ? "nothing was in force, and everything is healthy"
                       : fmt::format("put back what was in force ({}), and everything is healthy",
                                     fmt::join(summaries(*world), "; "));
      self->revert(epoch);
    });
  }

  void revert(targets::Epoch epoch) {
    ports_.emplace(FaultPorts{.target = *target_,
                              .journal = in_.journal,
                              .ledger = ledger_,
                              .clock = in_.clock,
                              .timeline = timeline_,
                              .epoch = epoch,
                              .by = in_.who,
                              .changed = [this] { changed(); },
                              .compare = [this](const auto& compared) { compare(compared); }});
    renew();
    for (auto& fault : run_.faults) {
      faults::Plan plan;
      plan.actions = std::move(fault.actions);
      faults_.push_back(std::make_shared<FaultRunner>(*ports_, fault.id, fault.kind, Json(),
                                                      std::move(plan), targets::World{}));
    }
    for (std::size_t i = faults_.size(); i-- > 0;) {
      faults_[i]->resume();
    }
  }

  void renew() {
    heartbeat_ = in_.clock.at(in_.clock.now() + renew_every, [this] {
      target_->renew(ports_->epoch, [me = weak_from_this()](const Result<>&) {
        if (const auto self = me.lock(); self && self->done_) {
          self->renew();
        }
      });
    });
  }

  void compare(const std::function<void(FaultLife::Compared)>& compared) {
    const auto in_force = [](const auto& fault) { return fault->life().in_force(); };
    if (std::ranges::any_of(faults_, in_force)) {
      return compared({.waiting = true, .differences = {}});
    }
    if (run_.damaged) {
      return compare_with_health(compared);
    }
    target_->invariants([self = shared_from_this(), compared](const auto& now) {
      compared(
          {.waiting = false,
           .differences = now ? differences(self->run_.before, values_of(*now), self->run_.may_move)
                              : std::vector{now.error().message}});
    });
  }

  /// Of what is lost nobody knows how it was before.
  void compare_with_health(const std::function<void(FaultLife::Compared)>& compared) {
    target_->observe([self = shared_from_this(), compared](const Result<targets::World>& world) {
      if (!world) {
        return compared({.waiting = false, .differences = {world.error().message}});
      }
      if (!world->in_force.empty()) {
        return compared({.waiting = false,
                         .differences = {fmt::format("still in force: {}",
                                                     fmt::join(summaries(*world), "; "))}});
      }
      self->target_->invariants([compared](const auto& now) {
        compared({.waiting = false,
                  .differences = now ? unhealthy(*now) : std::vector{now.error().message}});
      });
    });
  }

  /// After every step of a fault. Ends from a timer: the fault that says so is still at work.
  void changed() {
    const auto over = [](const auto& fault) { return fault->life().over(); };
    if (!ending_ && faults_.size() == run_.faults.size() && std::ranges::all_of(faults_, over)) {
      ending_ = in_.clock.at(in_.clock.now(), [this] { reverted(); });
    }
  }

  void reverted() {
    std::vector<std::string> residue;
    for (const auto& fault : faults_) {
      residue.insert(residue.end(), fault->life().residue().begin(), fault->life().residue().end());
    }
    if (!residue.empty()) {
      // What cannot be reached any more may be gone by now, and everything in it.
      const auto target = in_.reach(run_.target);
      if (!target && target.error().kind == ErrorKind::not_found) {
        return close_all();
      }
    }
    target_->release(ports_->epoch, [self = shared_from_this(), residue](const Result<>&) {
      self->end({residue.empty() ? self->how_ : "", residue});
    });
  }

  void close_all() {
    for (const auto& fault : run_.faults) {
      in_.journal.append({{"type", "closed"},
                          {"fault", fault.id},
                          {"at", rfc3339(in_.clock.wall())},
                          {"by", in_.who}},
                         [](const Result<>&) {});
    }
    end({"its environment is gone, and everything in it", {}});
  }

  void end(Recovery recovery) {
    heartbeat_.reset();
    last_ = in_.clock.at(in_.clock.now(), [this, recovery = std::move(recovery)] {
      const auto self = std::exchange(self_, nullptr);
      std::exchange(done_, nullptr)(recovery);
    });
  }

  static std::vector<std::string> summaries(const targets::World& world) {
    std::vector<std::string> all;
    for (const auto& found : world.in_force) {
      all.push_back(found.action.summary);
    }
    return all;
  }

  OpenRun run_;
  RecoveryPorts in_;
  std::string how_ = "reverted, nothing left";
  std::function<void(Recovery)> done_;
  Ledger ledger_;
  Timeline timeline_;
  std::unique_ptr<targets::Target> target_;
  std::optional<FaultPorts> ports_;
  std::vector<std::shared_ptr<FaultRunner>> faults_;
  std::unique_ptr<Timer> pause_, heartbeat_, ending_, last_;
  std::shared_ptr<PuttingBack> self_;
};

void take_lasting(OpenRun& run, const Json& record) {
  run.epoch = std::max(run.epoch, record.at("epoch").get<targets::Epoch>());
  run.may_move.merge(record.at("may_move").get<std::set<std::string>>());
}

/// Runs as they are read, found by their id.
struct Runs {
  std::vector<OpenRun> all;
  std::map<std::string, std::size_t> by_id;
};

void take_intended(Runs& runs, const Json& record) {
  const auto id = record.at("run").get<std::string>();
  const auto [found, fresh] = runs.by_id.try_emplace(id, runs.all.size());
  if (fresh) {
    runs.all.push_back({.run = id,
                        .target = record.at("target"),
                        .before = record.at("before").get<InvariantValues>()});
  }
  auto& run = runs.all[found->second];
  take_lasting(run, record);
  run.faults.push_back({record.at("fault").get<std::string>(), record.at("kind").get<std::string>(),
                        record.at("actions").get<std::vector<targets::Action>>(),
                        record.at("resources").get<std::vector<std::string>>()});
}

void take_damaged(Runs& runs, const Json& record) {
  OpenRun run;
  run.run = record.at("run").get<std::string>();
  run.target = record.at("target");
  run.epoch = record.at("epoch").get<targets::Epoch>();
  run.faults.push_back({.id = record.at("fault").get<std::string>(),
                        .kind = record.at("kind").get<std::string>(),
                        .actions = {},
                        .resources = {record.at("resource").get<std::string>()}});
  run.damaged = true;
  runs.all.push_back(std::move(run));
}

void take(Runs& runs, const Json& record) {
  const auto type = record.at("type").get<std::string>();
  if (type == "lasting") {  // what a fault that is closed leaves to its run
    const auto found = runs.by_id.find(record.at("run").get<std::string>());
    if (found != runs.by_id.end()) {
      take_lasting(runs.all[found->second], record);
    }
  } else if (type == "intended") {
    take_intended(runs, record);
  } else if (type == "damaged") {
    take_damaged(runs, record);
  } else if (type == "closed" || type == "accepted") {
    const auto fault = record.at("fault").get<std::string>();
    for (auto& run : runs.all) {
      std::erase_if(run.faults, [&](const OpenFault& f) { return f.id == fault; });
    }
  }
}

}  // namespace

Result<std::vector<OpenRun>> open_runs(const std::vector<Json>& records) {
  Runs runs;
  for (const auto& record : records) {
    try {
      take(runs, record);
    } catch (const Json::exception& error) {
      return Error{ErrorKind::io,
                   fmt::format("a journal record is whole but not one of ours ({}): {}",
                               error.what(), record.dump().substr(0, 120))};
    }
  }
  std::erase_if(runs.all, [](const OpenRun& run) { return run.faults.empty(); });
  return std::move(runs.all);
}

void recover(OpenRun run, const RecoveryPorts& ports, std::function<void(Recovery)> done) {
  std::make_shared<PuttingBack>(std::move(run), ports, std::move(done))->start();
}

}  // namespace faultline::engine
