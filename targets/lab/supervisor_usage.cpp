#include "targets/lab/supervisor_usage.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace faultline::lab {

std::optional<ProcessUsage> parse_stat(const std::string& line, std::uint64_t page_bytes,
                                       std::uint64_t ticks_per_second) {
  const auto end_of_name = line.rfind(") ");  // the name may hold spaces and parentheses
  if (end_of_name == std::string::npos) {
    return std::nullopt;
  }
  std::istringstream in(line.substr(end_of_name + 2));
  const auto skip = [&in](int fields) {
    for (std::string ignored; fields > 0 && in >> ignored; --fields) {
    }
  };
  // Fields by their numbers in proc(5): 5 group, 14 to 17 times, 24 resident pages.
  ProcessUsage process;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  std::uint64_t reaped_user = 0;
  std::uint64_t reaped_system = 0;
  std::uint64_t pages = 0;
  skip(2);
  in >> process.group;
  skip(8);
  in >> user >> system >> reaped_user >> reaped_system;
  skip(6);
  in >> pages;
  if (!in) {
    return std::nullopt;
  }
  constexpr std::uint64_t ms_per_second = 1000;
  process.usage = {pages * page_bytes, (user + system + reaped_user + reaped_system) *
                                           ms_per_second / ticks_per_second};
  return process;
}

std::map<pid_t, Usage> usage_by_group() {
  const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  std::map<pid_t, Usage> groups;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const auto name = entry.path().filename().string();
    if (!std::ranges::all_of(name, [](unsigned char c) { return std::isdigit(c) != 0; })) {
      continue;
    }
    std::ifstream in(entry.path() / "stat");
    std::string line;
    std::getline(in, line);
    if (const auto process = parse_stat(line, page_bytes, ticks)) {
      auto& usage = groups[process->group];
      usage.memory_bytes += process->usage.memory_bytes;
      usage.cpu_ms += process->usage.cpu_ms;
    }
  }
  return groups;
}

}  // namespace faultline::lab
