#include "orchestrator/engine/recovery.hpp"

#include "orchestrator/engine/fault_life.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

namespace faultline::engine {
namespace {

OpenFault open_fault(const Json& record) {
  OpenFault fault;
  fault.id = record.at("fault").get<std::string>();
  fault.kind = record.value("kind", "");
  fault.run = record.value("run", "");
  fault.target = record.value("target", Json());
  fault.actions = record.at("actions").get<std::vector<targets::Action>>();
  fault.may_move = record.value("may_move", std::vector<std::string>{});
  fault.resources = record.value("resources", std::vector<std::string>{});
  fault.before = record.value("before", std::map<std::string, std::string>{});
  return fault;
}

/// One recovery under way: a fault's life from `reverting` on.
class PutBack : public std::enable_shared_from_this<PutBack> {
 public:
  PutBack(OpenFault fault, targets::Target& target, targets::Epoch epoch, Clock& clock,
          std::function<void(std::vector<std::string>)> done)
      : fault_(std::move(fault)),
        target_(target),
        epoch_(epoch),
        clock_(clock),
        until_(clock.now() + FaultLife::settling_limit),
        done_(std::move(done)) {}

  void revert(std::size_t left) {
    if (left == 0) {
      return compare();
    }
    target_.revert(fault_.actions[left - 1], epoch_,
                   [self = shared_from_this(), left](const Result<>& result) {
                     if (result) {
                       self->revert(left - 1);
                     } else if (self->clock_.now() < self->until_) {
                       self->again([self, left] { self->revert(left); });
                     } else {
                       self->done_({fmt::format("{}: {}", self->fault_.actions[left - 1].resource,
                                                result.error().message)});
                     }
                   });
  }

 private:
  void compare() {
    target_.invariants([self = shared_from_this()](const auto& now) {
      auto found = now ? self->differences(*now) : std::vector{now.error().message};
      if (found.empty() || self->clock_.now() >= self->until_) {
        self->done_(std::move(found));
      } else {
        self->again([self] { self->compare(); });
      }
    });
  }

  [[nodiscard]] std::vector<std::string> differences(
      const std::vector<targets::Invariant>& now) const {
    std::vector<std::string> found;
    std::set<std::string> seen;
    for (const auto& is : now) {
      seen.insert(is.name);
      const auto was = fault_.before.find(is.name);
      const bool may_move = std::ranges::find(fault_.may_move, is.name) != fault_.may_move.end();
      if (!may_move && (was == fault_.before.end() || was->second != is.value)) {
        found.push_back(fmt::format("{}: was {}, is {}", is.name,
                                    was == fault_.before.end() ? "not there" : was->second,
                                    is.value));
      }
    }
    for (const auto& [name, value] : fault_.before) {
      if (!seen.contains(name)) {
        found.push_back(fmt::format("{}: was {}, is gone", name, value));
      }
    }
    return found;
  }

  void again(std::function<void()> then) {
    pause_ = clock_.at(clock_.now() + FaultLife::compare_pause, std::move(then));
  }

  OpenFault fault_;
  targets::Target& target_;
  targets::Epoch epoch_;
  Clock& clock_;
  Instant until_;
  std::function<void(std::vector<std::string>)> done_;
  std::unique_ptr<Timer> pause_;
};

}  // namespace

Result<std::vector<OpenFault>> open_faults(const std::vector<Json>& records) {
  std::vector<OpenFault> open;
  for (const auto& record : records) {
    try {
      const auto type = record.at("type").get<std::string>();
      if (type == "intended") {
        open.push_back(open_fault(record));
      } else if (type == "closed") {
        std::erase_if(open, [&](const OpenFault& f) { return f.id == record.at("fault"); });
      }
    } catch (const Json::exception& error) {
      return Error{ErrorKind::io,
                   fmt::format("a journal record is whole but not one of ours ({}): {}",
                               error.what(), record.dump().substr(0, 120))};
    }
  }
  return open;
}

void put_back(const OpenFault& fault, targets::Target& target, targets::Epoch epoch, Clock& clock,
              std::function<void(std::vector<std::string> residue)> done) {
  const auto work = std::make_shared<PutBack>(fault, target, epoch, clock, std::move(done));
  work->revert(fault.actions.size());
}

}  // namespace faultline::engine
