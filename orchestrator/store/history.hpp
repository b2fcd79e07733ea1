#pragma once

#include "targets/error.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace faultline::store {

struct HistoryRow {
  std::string id, experiment, environment, profile, verdict, reason, started, finished;
};

/// What became of something that a run left behind, after the run: put back, or accepted as it is.
struct Afterwards {
  std::string run;       ///< its id
  std::string at;        ///< RFC 3339
  std::string by;        ///< "guard, pid 12", or the person who accepted it
  std::string resource;  ///< "zone b"
  std::string reason;    ///< for which it was accepted; empty: it was put back
  std::string words;     ///< "zone_loss: reverted, nothing left"
};

/// The records of past runs: SQLite in WAL mode, one file. Schema version in `user_version`.
class History {
 public:
  static Result<std::unique_ptr<History>> open(const std::filesystem::path& file);
  virtual ~History() = default;
  /// `record`: a run record (schema faultline.run/1); replaces the one of this run, so that a run
  /// is there as unfinished from its beginning and as what it was from its end. What was added as
  /// `afterwards` stays.
  virtual Result<> add(const nlohmann::json& record) = 0;
  /// Says of an unfinished run how it was recovered: "by the guard: reverted, nothing left".
  /// Nothing when the run is not there, or is finished.
  virtual Result<> mark_recovered(const std::string& id, const std::string& words) = 0;
  /// Newest first.
  virtual Result<std::vector<HistoryRow>> list(std::size_t limit) = 0;
  /// By id, by a unique prefix of one, or "last". Error `usage` when none or several match.
  virtual Result<nlohmann::json> get(const std::string& id) = 0;
  /// Adds to the record's list `afterwards` (objects with the fields of `Afterwards` but for the
  /// run; `reason` is null when it was put back), once, however often it is told. Of any run, and
  /// without changing its verdict. False when there is no such run.
  virtual Result<bool> add_afterwards(const Afterwards& what) = 0;
};

/// As History::mark_recovered, in a file that need not exist.
Result<> mark_recovered(const std::filesystem::path& file, const std::string& run,
                        const std::string& words);
/// As History::add_afterwards, in a file that need not exist.
Result<bool> add_afterwards(const std::filesystem::path& file, const Afterwards& what);

}  // namespace faultline::store
