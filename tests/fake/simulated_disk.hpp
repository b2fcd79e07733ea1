#pragma once

#include "orchestrator/store/disk.hpp"
#include "targets/clock.hpp"

#include <cerrno>
#include <memory>

namespace faultline::fake {

/// A journal's disk on a virtual clock: what is on it outlives the writer. Each thing it is asked
/// for takes its time; a crash in the meantime leaves any part of it.
class SimulatedDisk : public store::Disk {
 public:
  /// What survives.
  using Platter = std::shared_ptr<std::string>;
  enum class Doing { nothing, commit, cut, replace };

  SimulatedDisk(Clock& clock, Platter platter) : clock_(clock), platter_(std::move(platter)) {}

  Duration takes = std::chrono::milliseconds(2);  ///< an fdatasync
  /// Asked before each thing is done: 0, or an errno with which it fails. A commit that fails
  /// leaves `torn` of its bytes.
  std::function<int(Doing)> fails;
  std::size_t torn = 0;
  std::size_t commits = 0;  ///< syncs so far that were for records

  void commit(std::uint64_t at, std::string bytes, Done done) override {
    ask({Doing::commit, at, std::move(bytes), std::move(done)});
  }
  void cut(std::uint64_t size, Done done) override { ask({Doing::cut, size, {}, std::move(done)}); }
  void replace(std::string bytes, Done done) override {
    ask({Doing::replace, 0, std::move(bytes), std::move(done)});
  }
  void finish() override {
    while (job_.doing != Doing::nothing) {
      act();
    }
  }

  [[nodiscard]] Doing doing() const { return job_.doing; }
  /// The bytes of a commit under way.
  [[nodiscard]] std::size_t in_flight() const { return job_.bytes.size(); }
  /// The machine stops. Of a commit under way `kept` bytes reached the platter; a cut or a
  /// replacement happened when it is not 0. Nothing is answered any more.
  void crash(std::size_t kept) {
    if (job_.doing == Doing::commit) {
      put(kept);
    } else if (kept > 0) {
      put(job_.bytes.size());
    }
    job_ = {};
    timer_.reset();
    dead_ = true;
  }

 private:
  struct Job {
    Doing doing = Doing::nothing;
    std::uint64_t at = 0;
    std::string bytes;
    Done done;
  };

  void ask(Job job) {
    if (dead_) {
      return;
    }
    job_ = std::move(job);
    timer_ = clock_.at(clock_.now() + takes, [this] { act(); });
  }
  void act() {
    timer_.reset();
    const int error = fails ? fails(job_.doing) : 0;
    if (error == 0) {
      put(job_.bytes.size());
    } else if (job_.doing == Doing::commit) {
      put(std::min(torn, job_.bytes.size()));
    }
    commits += job_.doing == Doing::commit && error == 0 ? 1 : 0;
    const auto done = std::exchange(job_, {}).done;
    done(error);
  }
  void put(std::size_t bytes) {
    if (job_.doing == Doing::replace) {
      *platter_ = job_.bytes;
    } else if (job_.doing == Doing::cut) {
      platter_->resize(job_.at);
    } else {
      platter_->resize(std::max<std::size_t>(platter_->size(), job_.at + bytes));
      platter_->replace(job_.at, bytes, job_.bytes, 0, bytes);
    }
  }

  Clock& clock_;
  Platter platter_;
  Job job_;
  std::unique_ptr<Timer> timer_;
  bool dead_ = false;
};

}  // namespace faultline::fake
