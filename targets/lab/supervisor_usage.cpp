#include "targets/lab/supervisor_usage.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>
#include <unistd.h>

namespace faultline::lab {
namespace {

constexpr std::uint64_t ms_per_second = 1000;

}  // namespace

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

std::optional<targets::Machine> parse_machine(const std::string& line,
                                              std::uint64_t ticks_per_second) {
  // proc(5): user nice system idle iowait irq softirq steal; what guests use is in user and nice.
  std::istringstream in(line);
  std::string word;
  in >> word;
  std::array<std::uint64_t, 8> ticks{};
  for (auto& t : ticks) {
    in >> t;
  }
  if (word != "cpu" || !in) {
    return std::nullopt;
  }
  const auto ms = [&](std::uint64_t t) { return t * ms_per_second / ticks_per_second; };
  return targets::Machine{ms(std::accumulate(ticks.begin(), ticks.end(), std::uint64_t{0})),
                          ms(ticks[3] + ticks[4]), 0};
}

std::optional<targets::Machine> machine_used(const std::map<pid_t, Usage>& groups) {
  std::ifstream in("/proc/stat");
  std::string line;
  std::getline(in, line);
  auto machine = parse_machine(line, static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)));
  if (machine) {
    for (const auto& [group, usage] : groups) {
      machine->own_ms += usage.cpu_ms;
    }
  }
  return machine;
}

}  // namespace faultline::lab
