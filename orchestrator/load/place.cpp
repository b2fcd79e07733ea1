#include "orchestrator/load/place.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <ifaddrs.h>
#include <memory>
#include <netinet/in.h>
#include <sys/stat.h>

namespace faultline::load {
namespace {

namespace ip = boost::asio::ip;

bool same_network_as_pid_1() {
  struct stat mine {
  }, first{};
  if (::stat("/proc/self/ns/net", &mine) != 0 || ::stat("/proc/1/ns/net", &first) != 0) {
    return true;  // an ordinary user's view of the machine's init: not a lab
  }
  return mine.st_ino == first.st_ino && mine.st_dev == first.st_dev;
}

bool of_the_lab(const ip::address_v4& address) {
  return (address.to_uint() & 0xffff'0000u) == 0x0a00'0000u;  // 10.0.0.0/16, see topology.hpp
}

/// At least one address of the lab, and no other but loopback.
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
    const auto number = ntohl(static_cast<const sockaddr_in*>(raw)->sin_addr.s_addr);
    const ip::address_v4 address(number);
    if (!address.is_loopback() && !of_the_lab(address)) {
      return false;
    }
    found = found || of_the_lab(address);
  }
  return found;
}

}  // namespace

bool inside_lab() {
  const char* host = std::getenv("FAULTLINE_LAB_HOST");
  return host != nullptr && *host != '\0' && !same_network_as_pid_1() && has_addresses_of_a_lab();
}

Result<Endpoint> destination(const std::string& host, double port) {
  boost::system::error_code error;
  const auto address = ip::make_address(host, error);
  if (error) {
    return Error{
        ErrorKind::usage,
        fmt::format("host: expected an IP address (names are not looked up), found '{}'", host)};
  }
  if (!(port >= 1 && port <= 65'535)) {
    return Error{ErrorKind::usage, fmt::format("port: expected 1 to 65535, found {}", port)};
  }
  if (!address.is_loopback() && !inside_lab()) {
    return Error{ErrorKind::refused,
                 fmt::format("{}: load goes to loopback or inside a lab only, and this process is "
                             "not on a lab's host; start it with 'faultline run' or "
                             "'faultline lab exec'",
                             host)};
  }
  return Endpoint(address, static_cast<std::uint16_t>(port));
}

Result<Endpoint> destination(const std::string& host_and_port) {
  const auto colon = host_and_port.rfind(':');
  int port = 0;
  if (colon != std::string::npos) {
    const char* end = host_and_port.data() + host_and_port.size();
    const auto [stop, error] = std::from_chars(host_and_port.data() + colon + 1, end, port);
    port = error == std::errc() && stop == end ? port : 0;
  }
  if (port == 0) {
    return Error{ErrorKind::usage, fmt::format("expected address:port, found '{}'", host_and_port)};
  }
  return destination(host_and_port.substr(0, colon), port);
}

}  // namespace faultline::load
