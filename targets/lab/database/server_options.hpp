#pragma once

#include "targets/net/endpoint.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace faultline::database {

inline constexpr const char* mariadbd = "/usr/sbin/mariadbd";

/// One server, in `folder`: its data, socket and identity files.
struct Server {
  std::filesystem::path folder;
  net::Endpoint listen;
  int id = 1;              ///< of replication; never the same again for other data
  bool semi_sync = false;  ///< as a replica: confirms what it has stored
};

/// How it is started: read-only, a replica of nobody yet. A tail of the binary log that nobody
/// confirmed is cut off when `semi_sync`.
std::vector<std::string> server_arguments(const Server& server);

/// How the data is made: statements from standard input, no network.
std::vector<std::string> bootstrap_arguments(const std::filesystem::path& data);

}  // namespace faultline::database
