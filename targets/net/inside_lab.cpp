#include "targets/net/inside_lab.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <ifaddrs.h>
#include <memory>
#include <netinet/in.h>
#include <sys/stat.h>
#include <thread>

namespace faultline::net {
namespace {

struct Range {
  std::uint32_t network, mask;
};
constexpr std::array ranges_of_a_lab{
    Range{0x0a00'0000u, 0xffff'0000u},  // 10.0.0.0/16
    Range{0xc633'6400u, 0xffff'ff00u},  // 198.51.100.0/24
    Range{0xcb00'7100u, 0xffff'ff00u},  // 203.0.113.0/24
    Range{0x6464'64c8u, 0xffff'ffffu},  // 100.100.100.200
};

bool is_loopback(std::uint32_t address) {
  return address >> 24u == 127;
}

bool same_network_as_pid_1_now() {
  struct stat mine {
  }, first{};
  if (::stat("/proc/self/ns/net", &mine) != 0 || ::stat("/proc/1/ns/net", &first) != 0) {
    return true;  // an ordinary user's view of the machine's init: not a lab
  }
  return mine.st_ino == first.st_ino && mine.st_dev == first.st_dev;
}

/// A supervisor visits its hosts' networks for a millisecond or so; a machine's init never moves.
bool same_network_as_pid_1() {
  constexpr int looks = 20;
  constexpr auto pause = std::chrono::milliseconds(5);
  for (int i = 0; i < looks; ++i) {
    if (!same_network_as_pid_1_now()) {
      return false;
    }
    std::this_thread::sleep_for(pause);
  }
  return true;
}

/// At least one address of a lab, and no other but loopback.
bool has_addresses_of_a_lab() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) {
    return false;
  }
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, ::freeifaddrs);
  bool found = false;
  for (const auto* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) {
      continue;
    }
    const void* raw = entry->ifa_addr;
    const auto address = ntohl(static_cast<const sockaddr_in*>(raw)->sin_addr.s_addr);
    if (!is_loopback(address) && !is_of_a_lab(address)) {
      return false;
    }
    found = found || is_of_a_lab(address);
  }
  return found;
}

}  // namespace

bool is_of_a_lab(std::uint32_t address) {
  return std::ranges::any_of(ranges_of_a_lab, [address](const Range& range) {
    return (address & range.mask) == range.network;
  });
}

bool in_namespace_of_a_lab() {
  const char* host = std::getenv("FAULTLINE_LAB_HOST");
  return host != nullptr && *host != '\0' && !same_network_as_pid_1();
}

bool inside_lab() {
  return in_namespace_of_a_lab() && has_addresses_of_a_lab();
}

}  // namespace faultline::net
