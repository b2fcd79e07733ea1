#include "orchestrator/load/place.hpp"

#include "targets/net/inside_lab.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace faultline::load {

namespace ip = boost::asio::ip;

Result<Endpoint> destination(const std::string& host, double port,
                             std::span<const std::string> allow) {
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
  const bool allowed = std::ranges::find(allow, host) != allow.end();
  if (!address.is_loopback() && !allowed && !net::inside_lab()) {
    return Error{ErrorKind::refused,
                 fmt::format("{}: load goes to loopback or inside a lab only, and this process is "
                             "not on a lab's host; start it with 'faultline run' or "
                             "'faultline lab exec', or name the address to 'faultline load' with "
                             "--allow {}",
                             host, host)};
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
