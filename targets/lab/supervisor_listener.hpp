#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::lab {

/// A process that listens.
struct Listener {
  int pid = 0;
  int group = 0;
  std::string name;  ///< "redis-server"
};

/// Who listens at that address and port of the host, or at the port of all its addresses. Nothing
/// when nobody does, or when it has no address.
std::optional<Listener> listener_at(const std::string& host, const std::string& address,
                                    std::uint16_t port);

/// The inodes of the sockets that listen there, from the text of /proc/net/tcp.
std::vector<std::string> listening_inodes(std::string_view table, const std::string& address,
                                          std::uint16_t port);

}  // namespace faultline::lab
