#include "targets/lab/supervisor_log_tail.hpp"

#include <array>
#include <unistd.h>

namespace faultline::lab {
namespace {

constexpr std::size_t max_bytes = 256u << 10;  // HAProxy writes some 50 KiB/s when all fails
constexpr std::size_t max_line = 4096;

}  // namespace

LogTail::LogTail(net::Fd log) : log_(std::move(log)), read_(::lseek(log_.get(), 0, SEEK_END)) {}

std::vector<std::string> LogTail::lines() {
  std::vector<std::string> whole;
  std::array<char, 16384> chunk{};
  for (std::size_t taken = 0; taken < max_bytes;) {
    const ssize_t got = ::pread(log_.get(), chunk.data(), chunk.size(), read_);
    if (got <= 0) {
      break;
    }
    read_ += got;
    taken += static_cast<std::size_t>(got);
    for (const char c : std::string_view(chunk.data(), static_cast<std::size_t>(got))) {
      if (c != '\n') {
        begun_ += begun_.size() <= max_line ? std::string(1, c) : "";
      } else if (auto line = std::exchange(begun_, {}); line.size() <= max_line) {
        whole.push_back(std::move(line));
      }
    }
  }
  return whole;
}

}  // namespace faultline::lab
