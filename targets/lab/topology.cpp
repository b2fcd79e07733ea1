#include "targets/lab/topology.hpp"

#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace faultline::lab {
namespace {

constexpr std::string_view cache_name = "sessions";
constexpr std::uint16_t balancer_port = 80;
constexpr std::uint16_t app_port = 8080;
constexpr std::uint16_t redis_port = 6379;
constexpr std::uint16_t sentinel_port = 26379;
constexpr std::string_view database_name = "orders";
constexpr std::uint16_t database_port = 3306;
constexpr std::uint16_t manager_port = 3310;
constexpr std::uint16_t metadata_port = 80;
constexpr std::uint16_t pay_port = 8080;
/// Where every cloud instance finds its metadata; an address of host control.
constexpr std::string_view metadata_address = "100.100.100.200";

Profile hardened() {
  Profile p;
  p.name = "hardened";
  return p;
}

Profile naive() {
  Profile p;
  p.name = "naive";
  p.health_checks = false;
  p.connect_timeout = std::chrono::milliseconds(5000);
  p.watch_metadata = false;
  p.calls_stay_in_zone = false;
  p.guard_payments = false;
  p.eips = 1;
  p.semi_sync = false;
  p.database_detection = std::chrono::milliseconds(15'000);
  p.hold_writes = false;
  p.held_writes_per_node = 0;
  p.data_nodes = 2;
  p.min_replicas = 0;
  p.redis_detection = std::chrono::milliseconds(30'000);
  return p;
}

std::string in_zone(std::size_t index, int last) {
  return fmt::format("10.0.{}.{}", index + 1, last);
}

void add_hosts(Topology& t) {
  t.hosts.push_back({"core", "", "10.0.0.1"});
  for (std::size_t i = 0; i < t.zones.size(); ++i) {
    t.hosts.push_back({t.zones[i] + "-router", t.zones[i], in_zone(i, 1)});
  }
  t.hosts.push_back({"wire", "", ""});
  t.hosts.push_back({"alb", "", "10.0.0.10"});
  t.hosts.push_back({"client", "", "10.0.0.20"});
  t.hosts.push_back({"control", "", "10.0.0.30"});
  t.hosts.push_back({"nat", "", "10.0.0.40"});
  t.hosts.push_back({"neighbour", "", "10.0.0.50"});
  t.hosts.push_back({"pay", "", "198.51.100.10"});
  for (std::size_t i = 0; i < t.zones.size(); ++i) {
    const auto& zone = t.zones[i];
    t.hosts.push_back({zone + "-reserved", zone, in_zone(i, 10)});
    t.hosts.push_back({zone + "-spot", zone, in_zone(i, 11)});
    t.hosts.push_back({zone + "-redis", zone, in_zone(i, 20)});
    t.hosts.push_back({zone + "-db", zone, in_zone(i, 30)});
  }
}

void add_process(Topology& t, const std::string& host_name, std::string name, std::string kind,
                 std::uint16_t port, std::map<std::string, std::string> labels) {
  const Host* host = t.host(host_name);
  t.processes.push_back({std::move(name), std::move(kind), host->name, host->zone, host->address,
                         port, std::move(labels)});
}

void add_stores(Topology& t) {
  const auto data_nodes = static_cast<std::size_t>(t.profile.data_nodes);
  for (std::size_t i = 0; i < std::min(data_nodes, t.zones.size()); ++i) {
    const auto host = t.zones[i] + "-redis";
    add_process(t, host, host, "redis", redis_port, {{"cache", std::string(cache_name)}});
  }
  for (const auto& zone : t.zones) {
    add_process(t, zone + "-redis", zone + "-sentinel", "sentinel", sentinel_port, {});
  }
  for (const auto& zone : t.zones) {
    const auto host = zone + "-db";
    add_process(t, host, host, "database", database_port,
                {{"database", std::string(database_name)}});
  }
  add_process(t, "control", "db-manager", "manager", manager_port, {});
  add_process(t, "control", "db-endpoint", "endpoint", database_port, {});
}

void add_processes(Topology& t) {
  add_stores(t);
  for (const auto& zone : t.zones) {
    const auto reserved = zone + "-reserved";
    const auto spot = zone + "-spot";
    add_process(t, reserved, reserved, "app", app_port, {{"service", "app"}});
    add_process(t, spot, spot, "app", app_port, {{"service", "app"}, {"spot", "true"}});
  }
  add_process(t, "alb", "alb", "balancer", balancer_port, {});
  add_process(t, "control", "metadata", "metadata", metadata_port, {});
  t.processes.back().address = metadata_address;
  add_process(t, "pay", "pay", "dependency", pay_port, {{"dependency", "pay"}});
  add_process(t, "wire", "wire", "wire", 0, {});
}

}  // namespace

Result<Profile> profile(std::string_view name) {
  const std::array<Profile, 2> all{hardened(), naive()};
  const auto it = std::ranges::find(all, name, &Profile::name);
  if (it != all.end()) {
    return *it;
  }
  const std::vector<std::string> names{all[0].name, all[1].name};
  return Error{ErrorKind::usage,
               fmt::format("unknown lab profile '{}'{}", name, suggestion(name, names))};
}

Result<Profile> profile(std::string_view name, int snat_ports) {
  auto chosen = profile(name);
  if (!chosen || snat_ports == 0) {
    return chosen;
  }
  if (snat_ports < min_snat_ports || snat_ports > max_snat_ports) {
    return Error{ErrorKind::usage, fmt::format("--snat-ports is {} to {} ports per EIP, found {}",
                                               min_snat_ports, max_snat_ports, snat_ports)};
  }
  chosen->ports_per_eip = snat_ports;
  return chosen;
}

const Host* Topology::host(std::string_view name) const {
  const auto it = std::ranges::find(hosts, name, &Host::name);
  return it == hosts.end() ? nullptr : &*it;
}

const Process* Topology::process(std::string_view name) const {
  const auto it = std::ranges::find(processes, name, &Process::name);
  return it == processes.end() ? nullptr : &*it;
}

std::vector<const Process*> Topology::of_kind(std::string_view kind) const {
  std::vector<const Process*> found;
  for (const auto& p : processes) {
    if (p.kind == kind) {
      found.push_back(&p);
    }
  }
  return found;
}

Topology make_topology(const Profile& profile) {
  Topology t;
  t.profile = profile;
  add_hosts(t);
  add_processes(t);
  return t;
}

std::string_view store_label(const Process& process) {
  return process.kind == "redis" ? "cache" : process.kind == "database" ? "database" : "";
}

std::vector<std::string> eips(const Profile& profile) {
  constexpr int first = 10;
  std::vector<std::string> addresses;
  for (int i = 0; i < profile.eips; ++i) {
    addresses.push_back(fmt::format("203.0.113.{}", first + i));
  }
  return addresses;
}

targets::World blueprint(const Topology& topology) {
  targets::World world;
  world.name = "lab";
  world.profile = topology.profile.name;
  world.zones = topology.zones;
  world.nat = {"nat", topology.profile.eips, topology.profile.ports_per_eip};
  for (const auto& host : topology.hosts) {
    world.hosts.push_back(host.name);
  }
  for (const auto& p : topology.processes) {
    targets::Component c;
    c.name = p.name;
    c.kind = p.kind;
    c.host = p.host;
    c.zone = p.zone;
    c.address = p.address;
    c.port = p.port;
    c.health = "healthy";
    c.labels = p.labels;
    if (const auto label = store_label(p); !label.empty()) {
      // The first data node is the home, because it is started as the primary.
      const bool home = world.homes.emplace(p.labels.at(std::string(label)), p.name).second;
      c.labels["role"] = label == "cache" ? (home ? "primary" : "replica") : (home ? "rw" : "ro");
    }
    world.components.push_back(std::move(c));
  }
  return world;
}

}  // namespace faultline::lab
