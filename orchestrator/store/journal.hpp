#pragma once

#include "orchestrator/store/disk.hpp"
#include "orchestrator/store/open_records.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace faultline::store {

using Json = nlohmann::json;

/// An append-only log that outlives its writer.
class Journal {
 public:
  virtual ~Journal() = default;
  /// `done` is called once: without an error only when the record is on the disk. An injection
  /// never starts before that; a revert never waits for it.
  virtual void append(Json record, std::function<void(Result<>)> done) = 0;
};

/// What a reader found in a journal besides whole records.
struct JournalState {
  OpenRecords open;
  std::uint64_t end = 0;  ///< of the last whole record; 0: not even the magic is whole
  std::uint64_t torn_bytes = 0;
  std::vector<Damage> damage;
};
/// Error `io` for what is no journal of this version.
Result<JournalState> read_state(const std::string& name, const Source& source);

/// The journal of one writer, in the format of `journal_format.hpp`. What is appended while the
/// disk is busy is written together, with one sync (group commit), in its order. A file that is
/// large and mostly closed is rewritten with what is open. May be called from any thread.
class FileJournal : public Journal {
 public:
  /// Opens for appending, creating it and syncing its folder; a torn tail is cut off before the
  /// first record. Takes an exclusive lock on the file: error `refused` names the holder's pid.
  static Result<std::unique_ptr<FileJournal>> open(const std::filesystem::path& file,
                                                   boost::asio::any_io_executor executor);
  /// On a disk with what `read_state` found there; `name` is for errors.
  FileJournal(std::unique_ptr<Disk> disk, boost::asio::any_io_executor executor, std::string name,
              JournalState found);
  /// Writes what is queued; the last `done`s may be called after it. On the executor's thread.
  ~FileJournal() override;
  FileJournal(const FileJournal&) = delete;
  FileJournal& operator=(const FileJournal&) = delete;

  /// Never waits; `done` is called on the executor. Error `io` when the disk is full or broken:
  /// those that were to be written together fail together, the file still ends with its last whole
  /// record, and later records are tried again.
  void append(Json record, std::function<void(Result<>)> done) override;

  /// A smaller file is not worth a rewrite: it is read in a millisecond.
  static constexpr std::uint64_t compact_above_bytes = 1 << 20;

 private:
  struct Waiting {
    std::string bytes;
    std::function<void(Result<>)> done;
  };
  void answer(Waiting waiting, const Result<>& result);
  // With the mutex held, when the disk is free.
  void next();
  void write();
  void written(std::size_t size, int error);
  void fail(const char* doing, int error);
  void compact_or_go_on();
  void go_on();

  std::mutex mutex_;
  boost::asio::any_io_executor executor_;
  std::string name_;
  OpenRecords open_;
  std::uint64_t end_;         ///< of the last whole record
  std::uint64_t compact_at_;  ///< when the file is so large
  bool torn_;                 ///< something that is no whole record is behind `end_`
  bool answering_ = false;    ///< the last batch is done, and not all of it was told
  bool closing_ = false;
  /// While the disk is at work: the executor has something to wait for.
  std::optional<boost::asio::executor_work_guard<boost::asio::any_io_executor>> busy_;
  std::vector<Waiting> waiting_, batch_;
  std::unique_ptr<Disk> disk_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< for what is posted
};

/// Visits every whole record of a file; a missing one has none. Reads while somebody writes.
Result<Scanned> scan_file(const std::filesystem::path& file,
                          const std::function<Result<>(const Entry&)>& visit);

/// Every record of a journal.
struct JournalContents {
  std::vector<Json> records;
  std::uint64_t torn_bytes = 0;  ///< after the last whole record
  std::vector<Damage> damage;    ///< before it
};
Result<JournalContents> read_journal(const std::filesystem::path& file);

/// What recovery needs of a journal and of the segment beside it. In memory is only what is open.
struct Segments {
  /// For `engine::open_runs`: `damaged`, when the journal is, with what the rest of it says of
  /// the environment; the records of faults that are open; those with which whoever recovered
  /// closed or accepted one.
  std::vector<Json> records;
  std::vector<std::string> problems;  ///< torn and damaged bytes, in words
};
/// Missing files are empty journals. Error `io` for a foreign one.
Result<Segments> read_segments(const std::filesystem::path& journal);

/// What damage in a journal may have taken away, as a fault of its own, so that it can be put back,
/// closed and accepted: {"type": "damaged", "fault", "kind", "run", "resource"}. More damage is
/// another fault.
Json damaged(const std::filesystem::path& journal, const std::vector<Damage>& damage);

/// "<id>.journal" -> "<id>.undo.journal": where whoever recovers it records what it did.
std::filesystem::path undo_segment(const std::filesystem::path& journal);

/// Removes a journal that nobody needs any more, and what was written beside it.
void remove_segments(const std::filesystem::path& journal);

/// Torn and damaged bytes in words, a line each, with what they mean.
std::vector<std::string> problems_of(const std::filesystem::path& file, std::uint64_t torn_bytes,
                                     const std::vector<Damage>& damage);

}  // namespace faultline::store
