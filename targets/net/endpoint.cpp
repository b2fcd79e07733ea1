#include "targets/net/endpoint.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <charconv>

namespace faultline::net {

std::string to_string(const Endpoint& endpoint) {
  return fmt::format("{}:{}", endpoint.address, endpoint.port);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  Endpoint endpoint{std::string(text.substr(0, colon)), 0};
  in_addr ignored{};
  bool ok = colon != text.npos && inet_pton(AF_INET, endpoint.address.c_str(), &ignored) == 1;
  if (ok) {
    const auto* last = text.data() + text.size();
    const auto [end, code] = std::from_chars(text.data() + colon + 1, last, endpoint.port);
    ok = code == std::errc{} && end == last && endpoint.port != 0;
  }
  if (!ok) {
    return Error{ErrorKind::usage,
                 fmt::format("expected IPV4:PORT (there is no resolver here), found '{}'", text)};
  }
  return endpoint;
}

Result<std::vector<Endpoint>> parse_endpoints(std::string_view text) {
  std::vector<Endpoint> endpoints;
  while (true) {
    const auto comma = text.find(',');
    auto endpoint = parse_endpoint(text.substr(0, comma));
    if (!endpoint) {
      return endpoint.error();
    }
    endpoints.push_back(std::move(*endpoint));
    if (comma == text.npos) {
      return endpoints;
    }
    text.remove_prefix(comma + 1);
  }
}

}  // namespace faultline::net
