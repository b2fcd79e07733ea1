#include "orchestrator/engine/recovery.hpp"

#include "orchestrator/engine/fault_life.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace faultline::engine {
namespace {

constexpr Duration renew_every = std::chrono::seconds(1);  // the target's lease is 10 s

/// One recovery under way.
class PutBack : public std::enable_shared_from_this<PutBack> {
 public:
  PutBack(OpenRun run, targets::Target& target, targets::Epoch epoch, Clock& clock,
          std::function<void(std::vector<std::string>)> done)
      : run_(std::move(run)),
        target_(target),
        epoch_(epoch),
        clock_(clock),
        done_(std::move(done)) {
    for (const auto& fault : run_.faults) {
      actions_.insert(actions_.end(), fault.actions.begin(), fault.actions.end());
    }
  }

  void start() {
    until_ = clock_.now() + FaultLife::settling_limit;
    renew();
    revert(actions_.size());
  }

 private:
  void renew() {
    heartbeat_ = clock_.at(clock_.now() + renew_every, [self = shared_from_this()] {
      self->target_.renew(self->epoch_, [self](const Result<>&) {
        if (self->done_) {
          self->renew();
        }
      });
    });
  }

  /// The newest of the `left` oldest actions.
  void revert(std::size_t left) {
    if (left == 0) {
      until_ = clock_.now() + FaultLife::settling_limit;
      return compare();
    }
    target_.revert(
        actions_[left - 1], epoch_, [self = shared_from_this(), left](const Result<>& result) {
          if (result) {
            self->revert(left - 1);
          } else if (self->clock_.now() < self->until_ &&
                     result.error().kind != ErrorKind::fenced) {
            self->again([self, left] { self->revert(left); });
          } else {
            self->end(
                {fmt::format("{}: {}", self->actions_[left - 1].resource, result.error().message)});
          }
        });
  }

  void compare() {
    target_.invariants([self = shared_from_this()](const auto& now) {
      auto found = now ? differences(self->run_.before, values_of(*now), self->run_.may_move)
                       : std::vector{now.error().message};
      if (found.empty() || self->clock_.now() >= self->until_) {
        self->end(std::move(found));
      } else {
        self->again([self] { self->compare(); });
      }
    });
  }

  void again(std::function<void()> then) {
    pause_ = clock_.at(clock_.now() + FaultLife::compare_pause, std::move(then));
  }

  void end(std::vector<std::string> residue) {
    heartbeat_.reset();
    std::exchange(done_, nullptr)(std::move(residue));
  }

  OpenRun run_;
  std::vector<targets::Action> actions_;  // of all its faults, in the order of application
  targets::Target& target_;
  targets::Epoch epoch_;
  Clock& clock_;
  Instant until_{};
  std::function<void(std::vector<std::string>)> done_;
  std::unique_ptr<Timer> pause_, heartbeat_;
};

void take(std::vector<OpenRun>& runs, const Json& record) {
  const auto type = record.at("type").get<std::string>();
  const auto fault = record.at("fault").get<std::string>();
  if (type == "intended") {
    const auto id = record.at("run").get<std::string>();
    auto run = std::ranges::find(runs, id, &OpenRun::run);
    if (run == runs.end()) {
      runs.push_back({id, record.at("target"), record.at("before").get<InvariantValues>(), {}, {}});
      run = std::prev(runs.end());
    }
    run->may_move.merge(record.at("may_move").get<std::set<std::string>>());
    run->faults.push_back({fault, record.at("kind").get<std::string>(),
                           record.at("actions").get<std::vector<targets::Action>>()});
  } else if (type == "closed") {
    for (auto& run : runs) {
      std::erase_if(run.faults, [&](const OpenFault& f) { return f.id == fault; });
    }
  }
}

}  // namespace

Result<std::vector<OpenRun>> open_runs(const std::vector<Json>& records) {
  std::vector<OpenRun> runs;
  for (const auto& record : records) {
    try {
      take(runs, record);
    } catch (const Json::exception& error) {
      return Error{ErrorKind::io,
                   fmt::format("a journal record is whole but not one of ours ({}): {}",
                               error.what(), record.dump().substr(0, 120))};
    }
  }
  std::erase_if(runs, [](const OpenRun& run) { return run.faults.empty(); });
  return runs;
}

void put_back(const OpenRun& run, targets::Target& target, targets::Epoch epoch, Clock& clock,
              std::function<void(std::vector<std::string> residue)> done) {
  std::make_shared<PutBack>(run, target, epoch, clock, std::move(done))->start();
}

}  // namespace faultline::engine
