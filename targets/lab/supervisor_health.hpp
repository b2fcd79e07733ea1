#pragma once

#include "targets/lab/supervisor_ask.hpp"
#include "targets/lab/supervisor_components.hpp"
#include "targets/lab/supervisor_redis.hpp"
#include "targets/lab/topology.hpp"

#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace faultline::lab {

/// Asks whether the process serves at all: PING, or a page. Any complete answer will do.
Question liveness_question(const Process& process, const std::string& from, Duration limit);

/// The servers of `show stat` with their status: {"app/a-spot", "UP"}.
std::map<std::string, std::string> parse_balancer_stat(const std::string& csv);

/// Looks at every component again and again, each through its own host's loopback, so that what is
/// seen is the component and not the network before it.
class Health {
 public:
  struct Report {
    bool healthy = false;
    std::string words = "not seen yet";
    std::string role;
  };

  Health(boost::asio::io_context& io, const Topology& topology, const Components& components,
         std::filesystem::path balancer_socket);

  /// Starts looking every 250 ms.
  void start();
  /// One round that begins after this call.
  void look(std::function<void()> done);

  /// From the last round, but a process that does not run is seen at once.
  [[nodiscard]] Report of(const std::string& component) const;
  [[nodiscard]] const CacheView& cache(const std::string& name) const { return views_.at(name); }
  /// Every invariant but the rules, from the last round.
  [[nodiscard]] std::vector<targets::Invariant> invariants() const;

 private:
  void begin_round();
  void end_round();
  void look_at(const Process& process);
  void seen(const Process& process, const Heard& heard);
  void saw_redis(const Process& process, const Heard& heard);
  void saw_sentinel(const Process& process, const Heard& heard);
  void saw_balancer(const Process& process, const Heard& heard);
  [[nodiscard]] Question question_for(const Process& process) const;

  boost::asio::io_context& io_;
  const Topology& topology_;
  const Components& components_;
  const std::filesystem::path balancer_socket_;
  boost::asio::steady_timer timer_;
  std::map<std::string, Report> reports_;                            // by component
  std::map<std::string, DataNode> nodes_;                            // by component
  std::map<std::string, std::map<std::string, std::string>> votes_;  // cache -> Sentinel -> address
  std::map<std::string, CacheView> views_;                           // by cache
  std::map<std::string, std::string> servers_;                       // of the balancer
  std::size_t pending_ = 0;                                          // questions of this round
  bool repeating_ = false;
  std::vector<std::function<void()>> this_round_, next_round_;
};

/// What is not as it must be: "a-redis: connection refused". Empty when all is well.
std::vector<std::string> unmet(const std::vector<targets::Invariant>& invariants);

}  // namespace faultline::lab
