#include "orchestrator/guard/leftovers.hpp"

#include "targets/catalog.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace faultline::guard {
namespace fs = std::filesystem;
using engine::Json;
using engine::OpenRun;

namespace {

constexpr Duration wait_limit =
    std::chrono::seconds(60);  // reverting and settling, at their limits
constexpr Duration wait_pause = std::chrono::milliseconds(200);
constexpr int owner_looks = 3;
constexpr Duration owner_pause = std::chrono::milliseconds(50);

Result<std::unique_ptr<targets::Target>> reach(const boost::asio::any_io_executor& executor,
                                               const Json& identity) {
  const auto name = identity.value("target", std::string());
  const auto* kind = targets::find(name);
  if (kind == nullptr) {
    return Error{ErrorKind::io, fmt::format("a journal names a target '{}' that this version does "
                                            "not know; use the version that wrote it",
                                            name)};
  }
  return kind->reach(executor, identity);
}

/// One journal, run by run. Keeps itself alive until it is over.
class Job : public std::enable_shared_from_this<Job> {
 public:
  using Done = std::function<void(Result<Leftovers>)>;
  Job(fs::path journal, LeftoversPorts ports, Done done)
      : file_(std::move(journal)), in_(std::move(ports)), done_(std::move(done)) {}

  void start(bool owner_hangs) {
    wait_until_ = in_.clock.now() + wait_limit;
    if (owner_hangs) {
      return take_segment();
    }
    look_for_owner(owner_looks);
  }

 private:
  /// Waits while somebody else puts the same journal back: two would undo each other's claims.
  void take_segment() {
    auto undo = store::FileJournal::open(store::undo_segment(file_), in_.executor);
    if (!undo && undo.error().kind == ErrorKind::refused && in_.clock.now() < wait_until_) {
      pause_ = in_.clock.at(in_.clock.now() + wait_pause,
                            [self = shared_from_this()] { self->take_segment(); });
      return;
    }
    if (!undo) {
      return end(undo.error());
    }
    undo_ = std::move(*undo);
    const auto segments = store::read_segments(file_);
    if (!segments) {
      return end(segments.error());
    }
    auto runs = engine::open_runs(segments->records);
    if (!runs) {
      return end(Error{runs.error().kind, file_.string() + ": " + runs.error().message});
    }
    for (const auto& problem : segments->problems) {
      found_.lines.push_back(problem);
    }
    tell_what_was_done(segments->records);
    runs_ = std::move(*runs);
    found_.nothing_open = runs_.empty();
    next(0);
  }

  /// An owner that lives has its journal locked. Others who look have it locked for a moment, so
  /// one look is not enough.
  void look_for_owner(int looks) {
    const auto owner = store::FileJournal::open(file_, in_.executor);
    if (owner) {
      return take_segment();
    }
    if (owner.error().kind != ErrorKind::refused) {
      return end(owner.error());
    }
    if (looks > 1) {
      pause_ = in_.clock.at(in_.clock.now() + owner_pause, [self = shared_from_this(), looks] {
        self->look_for_owner(looks - 1);
      });
      return;
    }
    found_.owned = true;
    found_.lines.push_back("left alone: " + owner.error().message);
    end(std::move(found_));
  }

  /// What somebody else put back since the orchestrator died.
  void tell_what_was_done(const std::vector<Json>& records) {
    for (const auto& record : records) {
      if (record.value("type", "") == "closed" && record.contains("by")) {
        found_.lines.push_back(fmt::format(
            "{} was put back by {} at {}, because its orchestrator died or hung",
            record.value("fault", "?"), record.value("by", "?"), record.value("at", "?")));
      }
    }
  }

  void next(std::size_t index) {
    if (index == runs_.size()) {
      return end(std::move(found_));
    }
    engine::recover(
        runs_[index],
        {.clock = in_.clock,
         .journal = *undo_,
         .reach = [this](const Json& identity) { return reach(in_.executor, identity); },
         .who = in_.who,
         .on_event = in_.on_event},
        [self = shared_from_this(), index](const engine::Recovery& recovery) {
          self->take(self->runs_[index], recovery);
          self->next(index + 1);
        });
  }

  void take(const OpenRun& run, const engine::Recovery& recovery) {
    const auto words = recovery.complete()
                           ? recovery.how
                           : fmt::format("undo incomplete: {}", fmt::join(recovery.residue, "; "));
    bool all_accepted = true;
    for (const auto& fault : run.faults) {
      const bool accepted = !recovery.complete() && accept(fault);
      all_accepted = all_accepted && accepted;
      const auto* what = recovery.complete() ? "recovered"
                         : accepted          ? "accepted"
                                             : "not put back:";
      found_.lines.push_back(fmt::format("{} {} ({}): {}", what, fault.id, fault.kind, words));
    }
    if (!recovery.complete() && !all_accepted) {
      found_.residue.insert(found_.residue.end(), recovery.residue.begin(), recovery.residue.end());
    } else {
      found_.runs[run.run] =
          fmt::format("by {}: {}{}", in_.who, recovery.complete() ? "" : "accepted, ", words);
    }
  }

  /// True: somebody takes this fault's rest upon himself, and it is recorded.
  bool accept(const engine::OpenFault& fault) {
    if (!in_.accept ||
        std::ranges::find(fault.resources, in_.accept->resource) == fault.resources.end()) {
      return false;
    }
    undo_->append({{"type", "accepted"},
                   {"fault", fault.id},
                   {"at", rfc3339(in_.clock.wall())},
                   {"by", in_.accept->who},
                   {"resource", in_.accept->resource},
                   {"reason", in_.accept->reason}},
                  [](const Result<>&) {});
    return true;
  }

  /// The journal that is written to outlives the callback that is on its way from it.
  void end(Result<Leftovers> result) {
    boost::asio::post(in_.executor, [self = shared_from_this(), result = std::move(result)] {
      self->undo_.reset();
      self->done_(result);
    });
  }

  fs::path file_;
  LeftoversPorts in_;
  Done done_;
  std::unique_ptr<store::FileJournal> undo_;
  Instant wait_until_{};
  std::unique_ptr<Timer> pause_;
  std::vector<OpenRun> runs_;
  Leftovers found_;
};

}  // namespace

void put_back(const fs::path& journal, bool owner_hangs, LeftoversPorts ports,
              std::function<void(Result<Leftovers>)> done) {
  std::make_shared<Job>(journal, std::move(ports), std::move(done))->start(owner_hangs);
}

std::vector<fs::path> journals_of(const fs::path& home) {
  std::vector<fs::path> files;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(home / "journal", missing)) {
    const auto& path = entry.path();
    if (path.extension() == ".journal" && path.stem().extension() != ".undo") {
      files.push_back(path);
    }
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace faultline::guard
