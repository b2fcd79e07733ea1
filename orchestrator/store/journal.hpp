#pragma once

#include "targets/error.hpp"
#include "targets/net/fd.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
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

/// The file format, version 1: the 8 bytes "FLJRNL1\n", then records of
///   length   u32 little-endian, of the JSON text, at most 1 MiB
///   crc32c   u32 little-endian, of the length's bytes and the text
///   text     JSON, UTF-8
/// A reader stops at the first record that does not fit: what a crash tore off is as if never
/// written, because nothing was done before its record was whole.
class FileJournal : public Journal {
 public:
  /// Opens for appending, creating it and syncing its folder; cuts a torn tail off.
  /// Takes an exclusive lock on the file: error `refused` names the holder's pid.
  static Result<std::unique_ptr<FileJournal>> open(const std::filesystem::path& file);

  /// Error `io` when the disk is full or broken; the file then still ends with its last whole
  /// record.
  void append(Json record, std::function<void(Result<>)> done) override { done(write(record)); }
  Result<> write(const Json& record);

 private:
  FileJournal(std::filesystem::path file, net::Fd fd, std::uint64_t end)
      : file_(std::move(file)), fd_(std::move(fd)), end_(end) {}
  /// Cuts the file to `size` bytes, on the disk.
  Result<> cut(std::uint64_t size);

  std::filesystem::path file_;
  net::Fd fd_;  ///< also holds the lock
  std::uint64_t end_;
  bool torn_ = false;  ///< a failed append left bytes behind `end_`
};

struct JournalContents {
  std::vector<Json> records;
  std::uint64_t torn_bytes = 0;  ///< after the last whole record
};
/// A missing file is an empty journal.
Result<JournalContents> read_journal(const std::filesystem::path& file);

}  // namespace faultline::store
