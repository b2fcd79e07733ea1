#pragma once

#include "targets/error.hpp"
#include "targets/target.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

/// The lab: a real multi-zone environment in one set of Linux namespaces.
namespace faultline::lab {

/// What differs between the two profiles, and nothing else does (DESIGN, "The lab").
struct Profile {
  std::string name;
  // ALB
  bool health_checks = true;  ///< active checks, redispatch, retries of GET; else none of these
  std::chrono::milliseconds connect_timeout{250};
  // reclaim of spot nodes
  bool watch_metadata = true;  ///< polls for its own reclaim, leaves the ALB and drains
  std::chrono::milliseconds metadata_poll{500};
  // calls between services
  bool calls_stay_in_zone = true;  ///< else round robin over the nodes of all zones
  // writes of the services
  bool hold_writes = true;  ///< held and retried within the client's deadline
  int held_writes_per_node = 64;
  std::chrono::milliseconds client_deadline{5000};
  // third parties
  bool guard_payments = true;  ///< timeout, breaker, bulkhead, degraded answer, kept connections
  std::chrono::milliseconds payment_timeout{1000};
  int payment_bulkhead = 24;  ///< payments in flight per node
  // SNAT: flows to one address and port share eips x ports_per_eip
  int eips = 2;
  /// The articles say about 65,000, the vendor documents 55,000; few make a drill quick. At most
  /// 64,512 (ports 1024 to 65535).
  int ports_per_eip = 2048;
  // database
  bool semi_sync = true;  ///< a commit is acknowledged when a read-only node has it; else at once
  std::chrono::milliseconds database_detection{1000};
  // Redis
  int data_nodes = 3;
  int min_replicas = 1;  ///< min-replicas-to-write; 0 turns it off
  /// Sentinel's down-after-milliseconds. Sentinel pings every second, so 1,000 would take a first
  /// answer that is one tick late for a second loss, right after a failover.
  std::chrono::milliseconds redis_detection{1200};
};
constexpr int min_snat_ports = 64;
constexpr int max_snat_ports = 64'512;  ///< 1024 to 65535

/// Error `usage` with the nearest name when there is none.
Result<Profile> profile(std::string_view name);
/// With another number of ports per EIP, 0: the profile's own. Error `usage` beyond the limits.
Result<Profile> profile(std::string_view name, int snat_ports);

/// A network namespace. Regional hosts hang on a bridge in `core` (10.0.0.0/24); hosts of a zone on
/// a bridge in its router (10.0.1.0/24 for a, .2 for b, .3 for c). Each zone's router has a link to
/// core, whose interface there is named "zone-a", so that cutting a zone is two rules in core. The
/// link is cut open in `wire`, a host without an address, whose process carries the frames. `pay`,
/// the third party, is outside: it hangs on `nat`, which translates what leaves.
struct Host {
  std::string name;     ///< "a-redis", "client"; also the name of the namespace
  std::string zone;     ///< empty for regional hosts and core
  std::string address;  ///< "10.0.1.20"; empty for wire
};

/// A process that the lab runs.
struct Process {
  std::string name;  ///< unique: "a-redis", "a-sentinel", "a-spot", "alb"
  std::string kind;  ///< as in targets::Component
  std::string host;
  std::string zone;
  std::string address;     ///< its host's, but the metadata has its own; empty for the wire
  std::uint16_t port = 0;  ///< 0 for the wire
  std::map<std::string, std::string> labels;  ///< as in targets::Component, without role
};

struct Topology {
  Profile profile;
  std::vector<std::string> zones{"a", "b", "c"};
  std::vector<Host> hosts;  ///< core first, then routers
  std::vector<Process> processes;

  [[nodiscard]] const Host* host(std::string_view name) const;
  [[nodiscard]] const Process* process(std::string_view name) const;
  [[nodiscard]] std::vector<const Process*> of_kind(std::string_view kind) const;
};

/// Hosts: core, a-router b-router c-router, wire; regional alb 10.0.0.10, client .20, control .30,
/// nat .40, neighbour .50; pay 198.51.100.10; and per zone ?-reserved .10, ?-spot .11, ?-redis .20,
/// ?-db .30. Gateways are .1. A naive lab has Redis data nodes in a and b only, but a Sentinel in
/// all three zones. The cache "sessions" is at home on a-redis, the database "orders" on a-db.
Topology make_topology(const Profile& profile);

/// The world of a healthy lab.
targets::World blueprint(const Topology& topology);

/// The label that names the store of a data node: "cache" or "database"; empty for other processes.
std::string_view store_label(const Process& process);

/// The addresses of the SNAT pool, on no interface: "203.0.113.10", "203.0.113.11", ...
std::vector<std::string> eips(const Profile& profile);

}  // namespace faultline::lab
