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

/// The records of past runs: SQLite in WAL mode, one file. Schema version in `user_version`.
class History {
 public:
  static Result<std::unique_ptr<History>> open(const std::filesystem::path& file);
  virtual ~History() = default;
  /// `record`: a run record (schema faultline.run/1); replaces the one of this run, so that a run
  /// is there as unfinished from its beginning and as what it was from its end.
  virtual Result<> add(const nlohmann::json& record) = 0;
  /// Says of an unfinished run how it was recovered: "by the guard: reverted, nothing left".
  /// Nothing when the run is not there, or is finished.
  virtual Result<> mark_recovered(const std::string& id, const std::string& words) = 0;
  /// Newest first.
  virtual Result<std::vector<HistoryRow>> list(std::size_t limit) = 0;
  /// By id, by a unique prefix of one, or "last". Error `usage` when none or several match.
  virtual Result<nlohmann::json> get(const std::string& id) = 0;
};

/// As History::mark_recovered, in a file that need not exist.
Result<> mark_recovered(const std::filesystem::path& file, const std::string& run,
                        const std::string& words);

}  // namespace faultline::store
