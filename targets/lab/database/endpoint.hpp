#pragma once

#include "targets/error.hpp"
#include "targets/lab/database/cluster.hpp"

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace faultline::database {

using AllDoors = std::map<std::string, Cluster::Doors>;

/// What HAProxy is told on its stats socket so that its backends `rw` and `ro`, whose servers are
/// named as the nodes, let connections through as `doors` says. Closing comes before opening.
std::string endpoint_commands(const AllDoors& doors);

/// Keeps HAProxy as it was last asked to be: at once when that changes, and again every 0.5 s,
/// because a HAProxy that was restarted has forgotten it. On a thread of its own.
class EndpointDriver {
 public:
  /// `open` is told the node whose `rw` door is open in effect, each time that changes (on the
  /// driver's thread); `log` what is wrong, each time that changes.
  EndpointDriver(std::filesystem::path socket, std::function<void(const std::string&)> open,
                 std::function<void(const std::string&)> log);
  ~EndpointDriver();

  void set(const AllDoors& doors);

 private:
  void run(const std::stop_token& stop);
  [[nodiscard]] Result<> tell(const std::string& commands) const;

  const std::filesystem::path socket_;
  const std::function<void(const std::string&)> open_, log_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  AllDoors doors_;
  bool dirty_ = false;
  std::jthread thread_;
};

}  // namespace faultline::database
