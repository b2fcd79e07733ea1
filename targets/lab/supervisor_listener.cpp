#include "targets/lab/supervisor_listener.hpp"

#include "targets/lab/supervisor_namespaces.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace faultline::lab {
namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& file) {
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

/// Whether the process has one of the sockets open.
bool has_open(const fs::path& process, const std::vector<std::string>& inodes) {
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator(process / "fd", gone)) {
    std::error_code closed;
    const auto open = fs::read_symlink(entry.path(), closed).string();
    const auto is_open = [&](const std::string& inode) { return open == "socket:[" + inode + "]"; };
    if (std::ranges::any_of(inodes, is_open)) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::vector<std::string> listening_inodes(std::string_view table, const std::string& address,
                                          std::uint16_t port) {
  constexpr std::string_view listens = "0A";  // TCP_LISTEN
  // The four bytes as they lie in memory, read as one number.
  const auto here = fmt::format("{:08X}:{:04X}", ::inet_addr(address.c_str()), port);
  const auto anywhere = fmt::format("{:08X}:{:04X}", INADDR_ANY, port);
  std::vector<std::string> inodes;
  std::istringstream lines{std::string(table)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, local, remote, state, queues, timer, retries, user, timeout, inode;
    words >> number >> local >> remote >> state >> queues >> timer >> retries >> user >> timeout >>
        inode;
    if (state == listens && (local == here || local == anywhere)) {
      inodes.push_back(inode);
    }
  }
  return inodes;
}

std::optional<Listener> listener_at(const std::string& host, const std::string& address,
                                    std::uint16_t port) {
  if (address.empty()) {
    return std::nullopt;
  }
  std::string table;
  const auto read = inside(host, [&table]() -> Result<> {
    table = contents("/proc/thread-self/net/tcp");
    return {};
  });
  const auto inodes = read ? listening_inodes(table, address, port) : std::vector<std::string>();
  if (inodes.empty()) {
    return std::nullopt;
  }
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator("/proc", gone)) {
    const auto name = entry.path().filename().string();
    int pid = 0;
    std::from_chars(name.data(), name.data() + name.size(), pid);
    if (pid > 0 && has_open(entry.path(), inodes)) {
      auto comm = contents(entry.path() / "comm");
      return Listener{pid, ::getpgid(pid), comm.substr(0, comm.find('\n'))};
    }
  }
  return std::nullopt;
}

}  // namespace faultline::lab
