#include "orchestrator/store/file_disk.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <sys/stat.h>

namespace faultline::store {
namespace fs = std::filesystem;
namespace {

std::string remedy(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free some space on its disk";
    case EFBIG:
      return "raise the file size limit (ulimit -f)";
    case EACCES:
    case EPERM:
    case EROFS:
      return "make it writable, or set FAULTLINE_HOME to a folder that is";
    case ENOTDIR:
    case ENOENT:
      return "create its folder, or set FAULTLINE_HOME to one that exists";
    default:
      return "check the disk";
  }
}

/// 0 or an errno.
int write_all(int fd, std::string_view bytes, std::uint64_t at) {
  while (!bytes.empty()) {
    const auto n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return n < 0 ? errno : ENOSPC;
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
  return ::fdatasync(fd) == 0 ? 0 : errno;
}

/// Who holds the flock, from /proc/locks: "1: FLOCK ADVISORY WRITE <pid> <major:minor:inode> 0
/// EOF". Compared by inode alone, since overlay file systems report another device there.
std::string lock_holder(int fd) {
  struct stat status {};
  ::fstat(fd, &status);
  const auto inode = ":" + std::to_string(status.st_ino);
  std::ifstream locks("/proc/locks");
  std::string number, type, advisory, access, pid, place, rest;
  while (locks >> number >> type >> advisory >> access >> pid >> place && getline(locks, rest)) {
    if (type == "FLOCK" && place.ends_with(inode)) {
      return "process " + pid;
    }
  }
  return "another process";
}

fs::path rewritten(const fs::path& file) {
  return file.string() + ".new";
}

}  // namespace

Error disk_error(const std::string& file, std::string_view doing, int error) {
  return {ErrorKind::io, fmt::format("journal {}: cannot {}: {}; {}", file, doing,
                                     std::strerror(error), remedy(error))};
}

Source source_of(const fs::path& file, const net::Fd& fd) {
  return [name = file.string(), &fd, at = off_t(0)](
             char* into, std::size_t size) mutable -> Result<std::size_t> {
    for (;;) {
      const auto n = ::pread(fd.get(), into, size, at);
      if (n >= 0) {
        at += n;
        return static_cast<std::size_t>(n);
      }
      if (errno != EINTR) {
        return disk_error(name, "read", errno);
      }
    }
  };
}

Result<std::unique_ptr<FileDisk>> FileDisk::open(const fs::path& file) {
  net::Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) {
    return disk_error(file.string(), "open", errno);
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return disk_error(file.string(), "lock", errno);
    }
    return Error{ErrorKind::refused,
                 fmt::format("journal {}: {} is using it; wait for it to end, or use another "
                             "FAULTLINE_HOME",
                             file.string(), lock_holder(fd.get()))};
  }
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0 || !S_ISREG(found.st_mode)) {
    return Error{ErrorKind::io, fmt::format("journal {}: expected a file; move it away after "
                                            "checking what it is",
                                            file.string())};
  }
  if (found.st_nlink == 0) {
    return open(file);  // removed or rewritten between our open and our lock
  }
  (void)::unlink(rewritten(file).c_str());
  std::unique_ptr<FileDisk> disk(new FileDisk(file, std::move(fd)));
  if (const int error = disk->sync_folder(); error != 0) {
    return disk_error(file.string(), "sync its folder", error);
  }
  return disk;
}

FileDisk::FileDisk(fs::path file, net::Fd fd)
    : file_(std::move(file)), fd_(std::move(fd)), thread_([this] { work(); }) {}

void FileDisk::finish() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    asked_.notify_one();
  }
  if (thread_.joinable()) {
    thread_.join();
  }
}

Source FileDisk::contents() const {
  return source_of(file_, fd_);
}

int FileDisk::sync_folder() {
  const auto folder = file_.has_parent_path() ? file_.parent_path() : fs::path(".");
  const net::Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  name_synced_ = fd && ::fsync(fd.get()) == 0;
  return name_synced_ ? 0 : errno;
}

int FileDisk::commit_now(std::uint64_t at, std::string_view bytes) {
  if (!name_synced_) {
    if (const int error = sync_folder(); error != 0) {
      return error;
    }
  }
  return write_all(fd_.get(), bytes, at);
}

int FileDisk::begin() {
  const int error = commit_now(0, magic);
  if (error != 0) {
    (void)cut_now(0);
  }
  return error;
}

int FileDisk::cut_now(std::uint64_t size) {
  const bool done =
      ::ftruncate(fd_.get(), static_cast<off_t>(size)) == 0 && ::fdatasync(fd_.get()) == 0;
  return done ? 0 : errno;
}

int FileDisk::replace_now(std::string_view bytes) {
  const auto name = rewritten(file_);
  net::Fd fd(::open(name.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  int error = fd ? 0 : errno;
  if (error == 0 && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    error = errno;
  }
  if (error == 0) {
    error = write_all(fd.get(), bytes, 0);
  }
  if (error == 0 && ::rename(name.c_str(), file_.c_str()) != 0) {
    error = errno;
  }
  if (error != 0) {
    (void)::unlink(name.c_str());
    return error;
  }
  fd_ = std::move(fd);  // whoever waited for the old file's lock finds that it is no journal now
  (void)sync_folder();  // until it succeeds nothing is committed: the old file may come back
  return 0;
}

void FileDisk::commit(std::uint64_t at, std::string bytes, Done done) {
  ask([this, at, bytes = std::move(bytes)] { return commit_now(at, bytes); }, std::move(done));
}

void FileDisk::cut(std::uint64_t size, Done done) {
  ask([this, size] { return cut_now(size); }, std::move(done));
}

void FileDisk::replace(std::string bytes, Done done) {
  ask([this, bytes = std::move(bytes)] { return replace_now(bytes); }, std::move(done));
}

void FileDisk::ask(std::function<int()> job, Done done) {
  const std::lock_guard lock(mutex_);
  job_ = [job = std::move(job), done = std::move(done)] { done(job()); };
  asked_.notify_one();
}

void FileDisk::work() {
  for (;;) {
    std::unique_lock lock(mutex_);
    asked_.wait(lock, [this] { return job_ || closing_; });
    if (!job_) {
      return;
    }
    const auto job = std::exchange(job_, nullptr);
    lock.unlock();
    job();
  }
}

}  // namespace faultline::store
