#pragma once

#include "targets/target.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>

/// What the lab's processes use of the machine.
namespace faultline::lab {

struct Usage {
  std::uint64_t memory_bytes = 0;  ///< resident
  std::uint64_t cpu_ms = 0;        ///< user and system, of children that were reaped too
};

struct ProcessUsage {
  pid_t group = 0;
  Usage usage;
};

/// One line of /proc/<pid>/stat; nothing when it is not one.
std::optional<ProcessUsage> parse_stat(const std::string& line, std::uint64_t page_bytes,
                                       std::uint64_t ticks_per_second);

/// By process group, summed over its processes: one look at every process of the lab. A component
/// is a group of its own.
std::map<pid_t, Usage> usage_by_group();

/// The first line of /proc/stat, which is of the whole machine; nothing when it is not one.
/// `own_ms` is not known from it.
std::optional<targets::Machine> parse_machine(const std::string& line,
                                              std::uint64_t ticks_per_second);
/// With the lab's own share, summed over `groups`. What its dead used is with who reaped them.
std::optional<targets::Machine> machine_used(const std::map<pid_t, Usage>& groups);

}  // namespace faultline::lab
