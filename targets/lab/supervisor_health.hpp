#pragma once

#include "targets/lab/supervisor_ask.hpp"
#include "targets/lab/supervisor_components.hpp"
#include "targets/lab/supervisor_database.hpp"
#include "targets/lab/supervisor_redis.hpp"
#include "targets/lab/topology.hpp"

#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace faultline::lab {

/// Asks whether the process serves at all: PING, a page, a database's greeting. Any complete answer
/// will do.
Question liveness_question(const Process& process, const std::string& from, Duration limit);

/// The servers of `show stat` with their status: {"app/a-spot", "UP"}.
std::map<std::string, std::string> parse_balancer_stat(const std::string& csv);

/// What has reached a frontend of `show stat`: connections, and requests of HTTP.
targets::Component::Counts parse_frontend_counts(const std::string& csv, std::string_view frontend);

/// Looks at every component again and again, each from its own host, so that what is seen is the
/// component and not the network before it. The databases' nodes are seen through their manager.
class Health {
 public:
  struct Report {
    bool healthy = false;
    std::string words = "not seen yet";
    std::string role;
  };

  Health(boost::asio::io_context& io, const Topology& topology, const Components& components,
         const Places& places);

  using OnLoss = std::function<void(const std::string& component, const std::string& how)>;
  /// Called in the round that finds out that the server of a database node, which its machine runs,
  /// ended and nobody asked for it. Once for each end; before `look` is done.
  void on_loss(OnLoss listener) { on_loss_ = std::move(listener); }

  /// Starts looking every 250 ms.
  void start();
  /// One round that begins after this call.
  void look(std::function<void()> done);

  /// From the last round, but a process that does not run is seen at once.
  [[nodiscard]] Report of(const std::string& component) const;
  /// What had reached it when it answered last.
  [[nodiscard]] targets::Component::Counts arrived(const std::string& component) const;
  [[nodiscard]] const CacheView& cache(const std::string& name) const { return views_.at(name); }
  [[nodiscard]] const DatabaseView& database(const std::string& name) const {
    return databases_.at(name);
  }
  /// Every invariant but the rules, from the last round.
  [[nodiscard]] std::vector<targets::Invariant> invariants() const;

 private:
  using Saw = void (Health::*)(const Process&, const Heard&);
  /// A question of every round.
  struct Look {
    const Process* process = nullptr;
    Question question;
    Saw saw = nullptr;
  };

  void add_looks(const Process& process);
  void begin_round();
  void end_round();
  void take(const Look& look);
  void seen(const Look& look, const Heard& heard);
  void view_caches();
  void saw_redis(const Process& process, const Heard& heard);
  void saw_sentinel(const Process& process, const Heard& heard);
  void saw_manager(const Process& process, const Heard& heard);
  void saw_machine(const Process& process, const Heard& heard);
  void saw_endpoint(const Process& process, const Heard& heard);
  void saw_page(const Process& process, const Heard& heard);
  void saw_balancer(const Process& process, const Heard& heard);
  void saw_side_door(const Process& process, const Heard& heard);

  [[nodiscard]] Question sentinel_question(const Process& process) const;
  [[nodiscard]] std::string sentinels_in_words(const std::string& cache) const;
  void add_store_invariants(std::vector<targets::Invariant>& all) const;

  boost::asio::io_context& io_;
  const Topology& topology_;
  const Components& components_;
  const Places& places_;
  boost::asio::steady_timer timer_;
  std::vector<Look> looks_;
  std::map<std::string, Report> reports_;                            // by component
  std::map<std::string, DataNode> nodes_;                            // by component
  std::map<std::string, std::map<std::string, SeenPrimary>> votes_;  // cache -> Sentinel
  std::map<std::string, CacheView> views_;                           // by cache
  std::map<std::string, DatabaseView> databases_;                    // by database
  std::map<std::string, std::string> servers_;                       // of the balancer
  std::string endpoint_ = "not seen yet";                            // the database's, in words
  std::map<std::string, std::string> layers_;  // by component: what actions added to it
  std::size_t pending_ = 0;                    // questions of this round
  bool repeating_ = false;
  std::vector<std::function<void()>> this_round_, next_round_;
  std::map<std::string, targets::Component::Counts> arrived_;  // by component
  RedisArrivals redis_arrivals_;
  DatabaseLosses losses_;
  OnLoss on_loss_ = [](const auto&, const auto&) {};
};

/// What is not as it must be: "a-redis: connection refused". Empty when all is well.
std::vector<std::string> unmet(const std::vector<targets::Invariant>& invariants);

}  // namespace faultline::lab
