#pragma once

#include "targets/http/server.hpp"
#include "targets/lab/database/cluster.hpp"
#include "targets/lab/database/endpoint.hpp"
#include "targets/lab/database/node_threads.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace faultline::database {

/// The manager of a cluster: one thread decides, everything else brings it events or carries out
/// what it decided.
class Manager {
 public:
  struct Settings {
    Cluster::Settings cluster;
    std::map<std::string, NodeAccess> nodes;
    std::filesystem::path endpoint;  ///< HAProxy's stats socket
    net::Endpoint listen;
  };
  Manager(Settings settings, std::function<void(const std::string&)> log);
  ~Manager();

  /// Error `io` when its own address cannot be bound.
  Result<> start();

 private:
  using Event = std::function<void(Cluster&)>;
  void post(Event event);
  void decide(const std::stop_token& stop);
  void dispatch(const std::vector<Command>& commands);
  void note(const Outcome& outcome);
  void note_change(const Cluster::Status& status);
  http::Answer switchover(const std::string& body);
  [[nodiscard]] Cluster::Status status();

  const Settings settings_;
  const std::function<void(const std::string&)> log_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Event> events_;
  Cluster::Status status_;
  std::map<std::string, std::uint64_t> acts_;
  std::string said_;
  std::atomic<bool> stopping_ = false;

  // Destroyed in reverse: requests end first, then decisions, then what they need.
  std::unique_ptr<EndpointDriver> endpoint_;
  std::map<std::string, std::unique_ptr<NodeThreads>> nodes_;
  std::jthread decider_;
  http::Server http_{http::Size{}};
};

}  // namespace faultline::database
