#include "orchestrator/store/journal.hpp"

#include "orchestrator/store/crc32c.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>

namespace faultline::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view magic = "FLJRNL1\n";
constexpr std::size_t header_bytes = 8;          // length and checksum
constexpr std::size_t max_text_bytes = 1 << 20;  // the format's limit; records are a few KiB
constexpr std::uint64_t max_file_bytes =
    64u << 20;  // a reader holds it in memory; a run writes < 1 MiB

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

Error io_error(const fs::path& file, std::string_view doing, int error) {
  return {ErrorKind::io, fmt::format("journal {}: cannot {}: {}; {}", file.string(), doing,
                                     std::strerror(error), remedy(error))};
}

void put_u32(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<char>((value >> shift) & 0xFF));
  }
}

std::uint32_t get_u32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) {
    value = (value << 8) | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
  }
  return value;
}

std::string encode(const std::string& text) {
  std::string out;
  out.reserve(header_bytes + text.size());
  put_u32(out, static_cast<std::uint32_t>(text.size()));
  put_u32(out, crc32c(text, crc32c(out)));
  return out + text;
}

/// The first record of `bytes` and its size in the file, or nothing when it does not fit.
std::optional<std::pair<Json, std::size_t>> decode(std::string_view bytes) {
  if (bytes.size() < header_bytes) {
    return std::nullopt;
  }
  const std::size_t length = get_u32(bytes);
  if (length > max_text_bytes || bytes.size() - header_bytes < length) {
    return std::nullopt;
  }
  const auto text = bytes.substr(header_bytes, length);
  if (crc32c(text, crc32c(bytes.substr(0, 4))) != get_u32(bytes.substr(4))) {
    return std::nullopt;
  }
  auto record = Json::parse(text, nullptr, false);
  if (record.is_discarded()) {
    return std::nullopt;
  }
  return std::pair(std::move(record), header_bytes + length);
}

/// All that `file` holds, when it is a journal or the torn beginning of one.
Result<JournalContents> contents(const fs::path& file, std::string_view bytes) {
  JournalContents out;
  if (bytes.substr(0, magic.size()) != magic.substr(0, bytes.size())) {
    return Error{ErrorKind::io,
                 fmt::format("journal {}: expected a faultline journal, version 1, found something "
                             "else; move it away after checking what it is",
                             file.string())};
  }
  std::size_t at = bytes.size() < magic.size() ? 0 : magic.size();
  if (at != 0) {
    while (auto record = decode(bytes.substr(at))) {
      out.records.push_back(std::move(record->first));
      at += record->second;
    }
  }
  out.torn_bytes = bytes.size() - at;
  return out;
}

/// Reads a whole open file.
Result<std::string> slurp(const fs::path& file, int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    return io_error(file, "read", errno);
  }
  if (!S_ISREG(status.st_mode) || static_cast<std::uint64_t>(status.st_size) > max_file_bytes) {
    return Error{ErrorKind::io, fmt::format("journal {}: expected a file of at most {} bytes; move "
                                            "it away after checking what it is",
                                            file.string(), max_file_bytes)};
  }
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto n = ::pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return io_error(file, "read", errno);
    }
    if (n == 0) {
      break;  // cut by its owner while we read: what is left is whole or torn like any other
    }
    done += static_cast<std::size_t>(n);
  }
  bytes.resize(done);
  return bytes;
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
  return 0;
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

Result<> sync_folder(const fs::path& file) {
  const auto folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  const net::Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) {
    return io_error(file, "sync its folder", errno);
  }
  return {};
}

/// Writes the magic of a new file.
Result<> begin(const fs::path& file, int fd) {
  int error = write_all(fd, magic, 0);
  if (error == 0 && ::fdatasync(fd) != 0) {
    error = errno;
  }
  if (error != 0) {
    (void)::ftruncate(fd, 0);
    return io_error(file, "write", error);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<FileJournal>> FileJournal::open(const fs::path& file) {
  net::Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) {
    return io_error(file, "open", errno);
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return io_error(file, "lock", errno);
    }
    return Error{ErrorKind::refused,
                 fmt::format("journal {}: {} is using it; wait for it to end, or use another "
                             "FAULTLINE_HOME",
                             file.string(), lock_holder(fd.get()))};
  }
  struct stat found {};
  if (::fstat(fd.get(), &found) == 0 && found.st_nlink == 0) {
    return open(file);  // a recovery removed it, empty, between our open and our lock
  }
  const auto bytes = slurp(file, fd.get());
  if (!bytes) {
    return bytes.error();
  }
  const auto whole = contents(file, *bytes);
  if (!whole) {
    return whole.error();
  }
  const bool fresh = bytes->size() < magic.size();
  if (fresh) {
    if (const auto done = begin(file, fd.get()); !done) {
      return done.error();
    }
  }
  if (const auto done = sync_folder(file); !done) {  // a crash may have come between the two
    return done.error();
  }
  const auto end = fresh ? magic.size() : bytes->size() - whole->torn_bytes;
  std::unique_ptr<FileJournal> journal(new FileJournal(file, std::move(fd), end));
  if (!fresh && whole->torn_bytes > 0) {
    if (const auto done = journal->cut(end); !done) {
      return done.error();
    }
  }
  return journal;
}

Result<> FileJournal::cut(std::uint64_t size) {
  if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0 || ::fdatasync(fd_.get()) != 0) {
    return io_error(file_, "cut it to its last whole record", errno);
  }
  return {};
}

Result<> FileJournal::write(const Json& record) {
  const auto text = record.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > max_text_bytes || end_ + header_bytes + text.size() > max_file_bytes) {
    return Error{ErrorKind::usage,
                 fmt::format("journal {}: a record of {} bytes does not fit: at most {} bytes a "
                             "record and {} in the file",
                             file_.string(), text.size(), max_text_bytes, max_file_bytes)};
  }
  if (torn_) {
    if (const auto done = cut(end_); !done) {
      return done;
    }
    torn_ = false;
  }
  const auto bytes = encode(text);
  int error = write_all(fd_.get(), bytes, end_);
  if (error == 0 && ::fdatasync(fd_.get()) != 0) {
    error = errno;
  }
  if (error != 0) {
    torn_ = !cut(end_);
    return io_error(file_, "write", error);
  }
  end_ += bytes.size();
  return {};
}

Result<JournalContents> read_journal(const fs::path& file) {
  const net::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT) {
      return JournalContents{};
    }
    return io_error(file, "read", errno);
  }
  const auto bytes = slurp(file, fd.get());
  if (!bytes) {
    return bytes.error();
  }
  return contents(file, *bytes);
}

}  // namespace faultline::store
