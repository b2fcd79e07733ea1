#pragma once

#include "targets/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::net {

/// A numeric IPv4 address and a port: the lab has no resolver, a name would block.
struct Endpoint {
  std::string address;
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};
std::string to_string(const Endpoint& endpoint);

/// "10.0.1.10:8080". Error `usage`.
Result<Endpoint> parse_endpoint(std::string_view text);
/// Several, separated by commas; at least one.
Result<std::vector<Endpoint>> parse_endpoints(std::string_view text);

}  // namespace faultline::net
