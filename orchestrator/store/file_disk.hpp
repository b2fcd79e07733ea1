#pragma once

#include "orchestrator/store/disk.hpp"
#include "orchestrator/store/journal_format.hpp"
#include "targets/error.hpp"
#include "targets/net/fd.hpp"

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

namespace faultline::store {

/// A file, locked, with a thread that waits for the disk.
class FileDisk : public Disk {
 public:
  /// Takes an exclusive lock on the file, creating it and syncing its folder; removes what a
  /// rewrite that was cut short left beside it. Error `refused` names the holder's pid.
  static Result<std::unique_ptr<FileDisk>> open(const std::filesystem::path& file);
  ~FileDisk() override { finish(); }
  FileDisk(const FileDisk&) = delete;
  FileDisk& operator=(const FileDisk&) = delete;

  void commit(std::uint64_t at, std::string bytes, Done done) override;
  void cut(std::uint64_t size, Done done) override;
  void replace(std::string bytes, Done done) override;
  void finish() override;

  // For the opening, before anything else is asked for.
  [[nodiscard]] Source contents() const;
  /// Writes the magic; 0 or an errno, and then nothing is there.
  int begin();
  /// What `commit` does, at once.
  int commit_now(std::uint64_t at, std::string_view bytes);

 private:
  FileDisk(std::filesystem::path file, net::Fd fd);
  int cut_now(std::uint64_t size);
  int replace_now(std::string_view bytes);
  int sync_folder();
  void ask(std::function<int()> job, Done done);
  void work();

  std::filesystem::path file_;
  net::Fd fd_;                ///< also holds the lock
  bool name_synced_ = false;  ///< the folder says on the disk that the file is this one
  std::mutex mutex_;
  std::condition_variable asked_;
  std::function<void()> job_;
  bool closing_ = false;
  std::thread thread_;
};

/// Reads an open file from its beginning.
Source source_of(const std::filesystem::path& file, const net::Fd& fd);

/// "journal FILE: cannot DOING: reason; what to do".
Error disk_error(const std::string& file, std::string_view doing, int error);

}  // namespace faultline::store
