#include "orchestrator/guard/leftovers.hpp"

#include "targets/catalog.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

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
  if (identity.empty()) {  // of a journal that was damaged
    return Error{ErrorKind::io,
                 "no record that can be read names the environment that was hit; "
                 "see that nothing is in force there, and accept it"};
  }
  const auto name = identity.value("target", std::string());
  const auto* kind = targets::find(name);
  if (kind == nullptr) {
    return Error{ErrorKind::io, fmt::format("a journal names a target '{}' that this version does "
                                            "not know; use the version that wrote it",
                                            name)};
  }
  return kind->reach(executor, identity);
}

/// Where no record can be written, everything is put back all the same; whoever comes next finds it
/// open, and nothing to do.
class NoJournal : public store::Journal {
 public:
  NoJournal(Error why, boost::asio::any_io_executor executor)
      : why_(std::move(why)), executor_(std::move(executor)) {}
  void append(Json, std::function<void(Result<>)> done) override {
    boost::asio::post(executor_, [done = std::move(done), why = why_] { done(why); });
  }

 private:
  Error why_;
  boost::asio::any_io_executor executor_;
};

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
    if (undo) {
      undo_ = std::move(*undo);
    } else if (undo.error().kind == ErrorKind::refused) {
      return end(undo.error());
    } else {
      found_.lines.push_back("what is put back cannot be recorded: " + undo.error().message);
      undo_ = std::make_unique<NoJournal>(undo.error(), in_.executor);
    }
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
      if (record.value("type", "") == "accepted" && record.contains("run")) {
        found_.afterwards.push_back({record.value("run", ""), record.value("at", ""),
                                     record.value("by", ""), record.value("resource", ""),
                                     record.value("reason", ""), record.value("words", "")});
      }
    }
  }

  void next(std::size_t index) {
    if (index == runs_.size()) {
      for (const auto& run : held_) {
        found_.runs.erase(run);  // another part of it was put back, which is not all
      }
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
          self->take(index, recovery);
        });
  }

  void take(std::size_t index, const engine::Recovery& recovery) {
    if (!recovery.complete()) {
      return accept_or_hold(index, 0, recovery.residue, false);
    }
    const auto& run = runs_[index];
    for (const auto& fault : run.faults) {
      found_.lines.push_back(
          fmt::format("recovered {} ({}): {}", fault.id, fault.kind, recovery.how));
      found_.afterwards.push_back({.run = run.run,
                                   .at = rfc3339(in_.clock.wall()),
                                   .by = in_.who,
                                   .resource = fmt::format("{}", fmt::join(fault.resources, ", ")),
                                   .reason = "",
                                   .words = fmt::format("{}: {}", fault.kind, recovery.how)});
    }
    found_.runs[run.run] = fmt::format("by {}: {}", in_.who, recovery.how);
    next(index + 1);
  }

  /// One fault after the other of a run that left `residue`, from `number` on; then the next run.
  /// `held`: one before it stays as it is, and is not accepted.
  void accept_or_hold(std::size_t index, std::size_t number, std::vector<std::string> residue,
                      bool held) {
    const auto& run = runs_[index];
    const auto words = fmt::format("undo incomplete: {}", fmt::join(residue, "; "));
    if (number == run.faults.size()) {
      if (held) {
        std::ranges::move(residue, std::back_inserter(found_.residue));
        held_.insert(run.run);
      } else {
        found_.runs[run.run] = fmt::format("by {}: accepted, {}", in_.who, words);
      }
      return next(index + 1);
    }
    const auto& fault = run.faults[number];
    if (!in_.accept ||
        std::ranges::find(fault.resources, in_.accept->resource) == fault.resources.end()) {
      found_.lines.push_back(fmt::format("not put back: {} ({}), which holds {}: {}", fault.id,
                                         fault.kind, fmt::join(fault.resources, ", "), words));
      return accept_or_hold(index, number + 1, std::move(residue), true);
    }
    accept(index, number, words,
           [self = shared_from_this(), index, number, residue, held](bool accepted) {
             self->accept_or_hold(index, number + 1, residue, held || !accepted);
           });
  }

  /// Somebody takes this fault's rest upon himself: true once that is recorded on the disk.
  void accept(std::size_t index, std::size_t number, const std::string& words,
              const std::function<void(bool)>& done) {
    const auto& fault = runs_[index].faults[number];
    store::Afterwards what{.run = runs_[index].run,
                           .at = rfc3339(in_.clock.wall()),
                           .by = in_.accept->who,
                           .resource = in_.accept->resource,
                           .reason = in_.accept->reason,
                           .words = fmt::format("{}: accepted as it is, {}", fault.kind, words)};
    const auto name = fmt::format("{} ({}): {}", fault.id, fault.kind, words);
    const Json record = {{"type", "accepted"},    {"fault", fault.id},  {"run", what.run},
                         {"at", what.at},         {"by", what.by},      {"resource", what.resource},
                         {"reason", what.reason}, {"words", what.words}};
    undo_->append(record, [self = shared_from_this(), what, name, done](const Result<>& recorded) {
      if (recorded) {
        self->found_.lines.push_back("accepted " + name);
        self->found_.afterwards.push_back(what);
        return done(true);
      }
      const auto problem = fmt::format(
          "{} is still held, because its acceptance could not be recorded: {}; then say the same "
          "again",
          what.resource, recorded.error().message);
      self->found_.lines.push_back(fmt::format("not put back: {}; {}", name, problem));
      self->found_.residue.push_back(problem);
      done(false);
    });
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
  std::unique_ptr<store::Journal> undo_;
  Instant wait_until_{};
  std::unique_ptr<Timer> pause_;
  std::vector<OpenRun> runs_;
  std::set<std::string> held_;  ///< runs of which something is not put back
  Leftovers found_;
};

}  // namespace

void put_back(const fs::path& journal, bool owner_hangs, LeftoversPorts ports,
              std::function<void(Result<Leftovers>)> done) {
  std::make_shared<Job>(journal, std::move(ports), std::move(done))->start(owner_hangs);
}

Told tell(const fs::path& history, const Leftovers& found) {
  Told told;
  for (const auto& [run, words] : found.runs) {
    if (const auto marked = store::mark_recovered(history, run, words); !marked) {
      told.problems.push_back(marked.error().message);
    }
  }
  for (const auto& what : found.afterwards) {
    const auto added = store::add_afterwards(history, what);
    if (!added) {
      told.problems.push_back(added.error().message);
    }
    const bool put_back = what.reason.empty();
    told.acceptances = told.acceptances && (put_back || (added && *added));
  }
  return told;
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
