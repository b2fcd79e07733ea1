#include "targets/lab/database/copy.hpp"

#include "targets/net/fd.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <vector>

namespace faultline::database {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t block_bytes = 16 * 1024;  ///< a page of InnoDB; smaller finds few holes more
constexpr std::size_t buffer_bytes = 512 * 1024;  ///< read at once

Error failed(const char* what, const fs::path& file) {
  return {ErrorKind::io, fmt::format("cannot {} {}: {}", what, file.string(), strerror(errno))};
}

bool all_zero(const char* bytes, std::size_t n) {
  return bytes[0] == 0 && std::memcmp(bytes, bytes + 1, n - 1) == 0;
}

bool write_at(int fd, const char* bytes, std::size_t n, off_t at) {
  while (n > 0) {
    const auto written = ::pwrite(fd, bytes, n, at);
    if (written <= 0) {
      return false;
    }
    bytes += written;
    at += written;
    n -= static_cast<std::size_t>(written);
  }
  return true;
}

Result<> copy_file(const fs::path& from, const fs::path& to, std::vector<char>& buffer) {
  const net::Fd in(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in) {
    return failed("read", from);
  }
  const net::Fd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!out) {
    return failed("create", to);
  }
  off_t at = 0;
  while (true) {
    const auto got = ::pread(in.get(), buffer.data(), buffer.size(), at);
    if (got < 0) {
      return failed("read", from);
    }
    if (got == 0) {
      break;
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(got); i += block_bytes) {
      const auto n = std::min(block_bytes, static_cast<std::size_t>(got) - i);
      if (!all_zero(buffer.data() + i, n) &&
          !write_at(out.get(), buffer.data() + i, n, at + static_cast<off_t>(i))) {
        return failed("write", to);
      }
    }
    at += got;
  }
  if (::ftruncate(out.get(), at) != 0) {
    return failed("size", to);
  }
  return {};
}

}  // namespace

Result<> copy_tree(const fs::path& from, const fs::path& to) {
  std::vector<char> buffer(buffer_bytes);
  try {
    fs::create_directory(to);
    fs::permissions(to, fs::perms::owner_all);
    for (const auto& entry : fs::recursive_directory_iterator(from)) {
      const auto target = to / fs::relative(entry.path(), from);
      if (entry.is_directory()) {
        fs::create_directory(target);
      } else if (auto copied = copy_file(entry.path(), target, buffer); !copied) {
        return copied;
      }
    }
  } catch (const fs::filesystem_error& e) {
    return Error{ErrorKind::io, fmt::format("cannot copy {} to {}: {}", from.string(), to.string(),
                                            e.code().message())};
  }
  return {};
}

}  // namespace faultline::database
