#include "orchestrator/store/history.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace faultline::store {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int schema_version = 1;
constexpr int busy_timeout_ms = 5000;  // another `faultline` adds its record in milliseconds
constexpr auto schema = R"(
  CREATE TABLE run (
    id TEXT PRIMARY KEY, experiment TEXT NOT NULL, environment TEXT NOT NULL, profile TEXT NOT NULL,
    verdict TEXT NOT NULL, reason TEXT NOT NULL, started TEXT NOT NULL, finished TEXT NOT NULL,
    record TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX run_newest_first ON run (started DESC, id DESC);
  PRAGMA user_version = 1;
)";
constexpr std::string_view newest_first = " ORDER BY started DESC, id DESC LIMIT ?";

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

/// A prepared statement with its values; SQLite's result codes, no exceptions.
class Statement {
 public:
  Statement(sqlite3* database, std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    code_ =
        sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
    statement_.reset(statement);
  }
  Statement& bind(const std::string& text) {
    return keep(sqlite3_bind_text64(statement_.get(), ++bound_, text.data(), text.size(),
                                    SQLITE_TRANSIENT, SQLITE_UTF8));
  }
  Statement& bind(std::int64_t number) {
    return keep(sqlite3_bind_int64(statement_.get(), ++bound_, number));
  }
  /// True while there is a row. `failed` tells the end from an error.
  bool next() {
    if (code_ == SQLITE_OK || code_ == SQLITE_ROW) {
      code_ = sqlite3_step(statement_.get());
    }
    return code_ == SQLITE_ROW;
  }
  [[nodiscard]] bool failed() const {
    return code_ != SQLITE_OK && code_ != SQLITE_ROW && code_ != SQLITE_DONE;
  }
  [[nodiscard]] std::string text(int column) const {
    const auto* bytes = sqlite3_column_blob(statement_.get(), column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
  }
  [[nodiscard]] std::int64_t number(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
  }

 private:
  Statement& keep(int code) {
    code_ = code_ == SQLITE_OK ? code : code_;
    return *this;
  }

  std::unique_ptr<sqlite3_stmt, FinalizeStatement> statement_;
  int bound_ = 0;
  int code_ = SQLITE_OK;
};

/// Undone when it goes out of scope before `commit`.
class Transaction {
 public:
  explicit Transaction(sqlite3* database) : database_(database), open_(run("BEGIN IMMEDIATE")) {}
  ~Transaction() {
    if (open_) {
      run("ROLLBACK");
    }
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  [[nodiscard]] bool began() const { return open_; }
  bool commit() {
    open_ = !run("COMMIT");
    return !open_;
  }

 private:
  bool run(const char* sql) {
    return sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
  }
  sqlite3* database_;
  bool open_;
};

std::string field(const json& record, const char* name) {
  const auto found = record.find(name);
  return found != record.end() && found->is_string() ? found->get<std::string>() : std::string();
}

class SqliteHistory : public History {
 public:
  SqliteHistory(fs::path file, Database database)
      : file_(std::move(file)), database_(std::move(database)) {}

  Result<> prepare();
  Result<> add(const json& record) override;
  Result<> mark_recovered(const std::string& id, const std::string& words) override;
  Result<std::vector<HistoryRow>> list(std::size_t limit) override;
  Result<json> get(const std::string& id) override;
  Result<bool> add_afterwards(const Afterwards& what) override;

 private:
  Result<std::string> find(const std::string& id);
  Result<> write(const json& record);
  Result<json> read(const std::string& full_id);
  [[nodiscard]] Error error(std::string_view doing) const;
  [[nodiscard]] bool execute(const char* sql) const {
    return sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK;
  }

  fs::path file_;
  Database database_;
};

Error SqliteHistory::error(std::string_view doing) const {
  const int code = sqlite3_errcode(database_.get()) & 0xFF;
  std::string_view remedy = "check the disk";
  if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) {
    remedy = "move the file away, the next run starts a new one";
  } else if (code == SQLITE_FULL) {
    remedy = "free some space on its disk";
  } else if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
    remedy = "another process has it; try again";
  } else if (code == SQLITE_CANTOPEN || code == SQLITE_READONLY || code == SQLITE_PERM) {
    remedy = "make the file and its folder writable, or set FAULTLINE_HOME to a folder that is";
  }
  return {ErrorKind::io, fmt::format("history {}: cannot {}: {}; {}", file_.string(), doing,
                                     sqlite3_errmsg(database_.get()), remedy)};
}

/// Creates the tables of a new file; refuses any other that is not ours.
Result<> SqliteHistory::prepare() {
  sqlite3_busy_timeout(database_.get(), busy_timeout_ms);
  Statement version(database_.get(),
                    "SELECT (SELECT user_version FROM pragma_user_version),"
                    " (SELECT count(*) FROM sqlite_schema)");
  if (!version.next()) {
    return error("read it");
  }
  const auto found = version.number(0);
  const bool empty = version.number(1) == 0;
  if (found == schema_version) {
    return {};
  }
  if (found != 0 || !empty) {
    return Error{
        ErrorKind::io,
        fmt::format("history {}: expected a faultline history of version {}, found {}; "
                    "move it away, or use the program that made it",
                    file_.string(), schema_version,
                    found == 0 ? "another program's database" : fmt::format("version {}", found))};
  }
  version = Statement(database_.get(), "SELECT 1");  // ends the read, so that WAL can be set
  if (!execute("PRAGMA journal_mode = WAL")) {
    return error("create it");
  }
  Transaction transaction(database_.get());
  if (!transaction.began()) {
    return error("create it");
  }
  // Another process may have been faster; then its tables are there and these words do nothing.
  Statement again(database_.get(), "SELECT user_version FROM pragma_user_version");
  const bool still_empty = again.next() && again.number(0) == 0;
  if (still_empty && !execute(schema)) {
    return error("create it");
  }
  return transaction.commit() ? Result<>() : error("create it");
}

Result<> SqliteHistory::add(const json& record) {
  const auto id = field(record, "id");
  if (id.empty() || field(record, "schema") != "faultline.run/1") {
    return Error{ErrorKind::usage, fmt::format("history {}: expected a run record of schema "
                                               "faultline.run/1 with an id; nothing was added",
                                               file_.string())};
  }
  Transaction transaction(database_.get());
  if (!transaction.began()) {
    return error("add a run");
  }
  auto kept = record;
  if (const auto before = read(id); before && before->contains("afterwards")) {
    kept.emplace("afterwards", before->at("afterwards"));  // while it hung, say
  }
  if (auto written = write(kept); !written) {
    return written;
  }
  return transaction.commit() ? Result<>() : error("add a run");
}

Result<> SqliteHistory::write(const json& record) {
  Statement insert(database_.get(),
                   "INSERT OR REPLACE INTO run (id, experiment, environment, profile, verdict,"
                   " reason, started, finished, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(field(record, "id"));
  for (const auto* name :
       {"experiment", "environment", "profile", "verdict", "reason", "started", "finished"}) {
    insert.bind(field(record, name));
  }
  insert.bind(record.dump(-1, ' ', false, json::error_handler_t::replace));
  insert.next();
  return insert.failed() ? Result<>(error("add a run")) : Result<>();
}

Result<> SqliteHistory::mark_recovered(const std::string& id, const std::string& words) {
  Transaction transaction(database_.get());
  if (!transaction.began()) {
    return error("mark a run");
  }
  auto record = read(id);
  if (!record) {
    return record.error().kind == ErrorKind::usage ? Result<>() : record.error();
  }
  if (!field(*record, "finished").empty()) {
    return {};
  }
  (*record)["recovered"] = words;
  (*record)["reason"] = "unfinished: it ended without a word; recovered " + words;
  if (auto written = write(*record); !written) {
    return written;
  }
  return transaction.commit() ? Result<>() : error("mark a run");
}

Result<bool> SqliteHistory::add_afterwards(const Afterwards& what) {
  Transaction transaction(database_.get());
  if (!transaction.began()) {
    return error("say what became of a run");
  }
  auto record = read(what.run);
  if (!record) {
    return record.error().kind == ErrorKind::usage ? Result<bool>(false) : record.error();
  }
  auto& entries = (*record)["afterwards"];
  if (!entries.is_array()) {
    entries = json::array();
  }
  json entry = {{"at", what.at},
                {"by", what.by},
                {"resource", what.resource},
                {"reason", what.reason.empty() ? json() : json(what.reason)},
                {"words", what.words}};
  if (std::ranges::find(entries, entry) != entries.end()) {
    return true;
  }
  entries.push_back(std::move(entry));
  if (const auto written = write(*record); !written) {
    return written.error();
  }
  return transaction.commit() ? Result<bool>(true) : error("say what became of a run");
}

Result<std::vector<HistoryRow>> SqliteHistory::list(std::size_t limit) {
  Statement select(database_.get(),
                   fmt::format("SELECT id, experiment, environment, profile, verdict, reason,"
                               " started, finished FROM run{}",
                               newest_first));
  constexpr std::size_t most = std::numeric_limits<std::int64_t>::max();
  select.bind(static_cast<std::int64_t>(std::min(limit, most)));
  std::vector<HistoryRow> rows;
  while (select.next()) {
    rows.push_back({select.text(0), select.text(1), select.text(2), select.text(3), select.text(4),
                    select.text(5), select.text(6), select.text(7)});
  }
  if (select.failed()) {
    return error("list the runs");
  }
  return rows;
}

/// The full id that `id` names.
Result<std::string> SqliteHistory::find(const std::string& id) {
  const bool last = id == "last";
  Statement select(database_.get(),
                   fmt::format("SELECT id FROM run{}{}",
                               last ? "" : " WHERE substr(id, 1, length(?1)) = ?1", newest_first));
  if (!last) {
    select.bind(id);
  }
  constexpr std::int64_t enough_to_name = 4;
  select.bind(enough_to_name);
  std::vector<std::string> found;
  while (select.next()) {
    found.push_back(select.text(0));
    if (last || found.back() == id) {
      return found.back();
    }
  }
  if (select.failed()) {
    return error("look for a run");
  }
  if (found.size() == 1) {
    return found.front();
  }
  const auto problem =
      found.empty() ? (last ? std::string("there are no runs yet") : fmt::format("no run '{}'", id))
                    : fmt::format("'{}' is the beginning of several runs, among them {} and {}", id,
                                  found[0], found[1]);
  return Error{ErrorKind::usage, problem + "; `faultline history` lists them"};
}

Result<json> SqliteHistory::get(const std::string& id) {
  const auto full = find(id);
  return full ? read(*full) : Result<json>(full.error());
}

Result<json> SqliteHistory::read(const std::string& full_id) {
  Statement select(database_.get(), "SELECT record FROM run WHERE id = ?");
  select.bind(full_id);
  if (!select.next()) {
    return select.failed() ? error("read a run")
                           : Error{ErrorKind::usage, fmt::format("no run '{}'", full_id)};
  }
  auto record = json::parse(select.text(0), nullptr, false);
  if (!record.is_object()) {
    return Error{ErrorKind::io, fmt::format("history {}: the record of run {} is damaged; restore "
                                            "the file from a copy",
                                            file_.string(), full_id)};
  }
  return Result<json>(boost::system::in_place_value, std::move(record));
}

}  // namespace

Result<std::unique_ptr<History>> History::open(const fs::path& file) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(
      file.c_str(), &raw,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_EXRESCODE,
      nullptr);
  Database database(raw);
  if (code != SQLITE_OK) {
    return Error{ErrorKind::io,
                 fmt::format("history {}: cannot open it: {}; make its folder exist and writable, "
                             "or set FAULTLINE_HOME to one that is",
                             file.string(), sqlite3_errstr(code))};
  }
  auto history = std::make_unique<SqliteHistory>(file, std::move(database));
  if (const auto done = history->prepare(); !done) {
    return done.error();
  }
  return std::unique_ptr<History>(std::move(history));
}

Result<> mark_recovered(const fs::path& file, const std::string& run, const std::string& words) {
  std::error_code ignored;
  if (!fs::exists(file, ignored)) {
    return {};
  }
  const auto history = History::open(file);
  return history ? (*history)->mark_recovered(run, words) : Result<>(history.error());
}

Result<bool> add_afterwards(const fs::path& file, const Afterwards& what) {
  std::error_code ignored;
  if (!fs::exists(file, ignored)) {
    return false;
  }
  const auto history = History::open(file);
  return history ? (*history)->add_afterwards(what) : Result<bool>(history.error());
}

}  // namespace faultline::store
