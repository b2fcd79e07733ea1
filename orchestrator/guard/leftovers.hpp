#pragma once

#include "orchestrator/engine/recovery.hpp"
#include "orchestrator/store/history.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <filesystem>

namespace faultline::guard {

/// What was found in a journal, and done about it.
struct Leftovers {
  std::vector<std::string> lines;           ///< in words: what was put back, by whom
  std::vector<std::string> residue;         ///< what is still not as it was
  std::map<std::string, std::string> runs;  ///< how each run that was left was put back, by its id
  /// What became of each fault that is not held any more; and what was accepted before, which the
  /// history may not have been told.
  std::vector<store::Afterwards> afterwards;
  bool nothing_open = true;  ///< every fault in it was closed already
  bool owned = false;        ///< its orchestrator lives, or somebody else recovers it
  /// Nobody needs the journal any more.
  [[nodiscard]] bool spent() const { return residue.empty() && !owned; }
};

/// A person takes what cannot be put back upon himself.
struct Acceptance {
  std::string resource;  ///< of the faults that are not to be held any more: "zone b"
  std::string reason, who;
};

struct LeftoversPorts {
  boost::asio::any_io_executor executor;
  Clock& clock;
  std::string who;                       ///< "guard, pid 12"
  engine::Timeline::Sink on_event = {};  ///< each undo
  std::optional<Acceptance> accept = {};
};

/// Puts back what the journal of one orchestrator holds open; records it in the segment beside it.
/// Left alone while its owner has it locked, unless `owner_hangs`, as its guard knows. Error `io`
/// for a journal that cannot be read. `done` is called once, not from inside this call.
void put_back(const std::filesystem::path& journal, bool owner_hangs, LeftoversPorts ports,
              std::function<void(Result<Leftovers>)> done);

/// What the history was told of it.
struct Told {
  std::vector<std::string> problems;  ///< in words: what it could not be told, and why
  /// It has every acceptance. Otherwise only the journal does, and must stay; the next to
  /// `put_back` finds it there.
  bool acceptances = true;
};
/// Writes into the history, if there is one, what became of the runs.
Told tell(const std::filesystem::path& history, const Leftovers& found);

/// The journals of a home, oldest first.
std::vector<std::filesystem::path> journals_of(const std::filesystem::path& home);

}  // namespace faultline::guard
