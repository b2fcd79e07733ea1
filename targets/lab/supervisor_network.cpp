#include "targets/lab/supervisor_network.hpp"

#include "targets/lab/supervisor_namespaces.hpp"
#include "targets/lab/supervisor_rules.hpp"

#include <fmt/format.h>

#include <memory>

namespace faultline::lab {
namespace {

constexpr std::string_view regional_bridge = "regional";
constexpr std::string_view zone_bridge = "zone";
constexpr Duration ip_limit = std::chrono::seconds(10);  // 0.1 s on a quiet machine

bool is_router(const Host& host) {
  return host.name == host.zone + "-router";
}

/// The link between core and a zone's router: .1 in core, .2 at the router.
std::string link_address(std::size_t zone, int end) {
  return fmt::format("10.0.{}.{}", 101 + zone, end);
}

std::string bridge(std::string_view name, const std::string& address) {
  return fmt::format("link add {0} type bridge\naddress add {1}/24 dev {0}\nlink set {0} up\n",
                     name, address);
}

std::string gateway(const std::string& address) {
  return address.substr(0, address.rfind('.')) + ".1";
}

/// The host's end is eth0; the other hangs on the bridge under the host's name.
void add_leaf(NetworkPlan& plan, std::map<std::string, std::string>& batches, const Host& host,
              const std::string& router, std::string_view bridge_name) {
  plan.links +=
      fmt::format("link add eth0 netns {0} type veth peer name {0} netns {1}\n", host.name, router);
  batches[host.name] +=
      fmt::format("address add {}/24 dev eth0\nlink set eth0 up\nroute add default via {}\n",
                  host.address, gateway(host.address));
  batches[router] +=
      fmt::format("link set {0} master {1}\nlink set {0} up\n", host.name, bridge_name);
}

/// Fixed, so that both ends of a wire can know each other before the first packet: a question for
/// an address would be answered late, and cost the first connection a second.
std::string link_mac(std::size_t zone, int end) {
  return fmt::format("02:fa:00:00:{:02x}:{:02x}", zone + 1, end);
}

/// From core over the wire to a zone's router. The wire's ends have the names of what they lead to.
void add_zone_link(NetworkPlan& plan, std::map<std::string, std::string>& batches,
                   const std::string& zone, std::size_t i) {
  const auto router = zone + "-router";
  plan.links += fmt::format(
      "link add core address {2} netns {0} type veth peer name zone-{1} netns wire\n"
      "link add zone-{1} address {3} netns core type veth peer name core-{1} netns wire\n",
      router, zone, link_mac(i, 2), link_mac(i, 1));
  batches["wire"] += fmt::format("link set zone-{0} up\nlink set core-{0} up\n", zone);
  batches["core"] += fmt::format(
      "address add {0}/30 dev zone-{1}\nlink set zone-{1} up\n"
      "neigh add {2} lladdr {3} dev zone-{1} nud permanent\nroute add 10.0.{4}.0/24 via {2}\n",
      link_address(i, 1), zone, link_address(i, 2), link_mac(i, 2), i + 1);
  batches[router] += fmt::format(
      "address add {0}/30 dev core\nlink set core up\n"
      "neigh add {1} lladdr {2} dev core nud permanent\nroute add default via {1}\n",
      link_address(i, 2), link_address(i, 1), link_mac(i, 1));
}

void add_core(const Topology& t, NetworkPlan& plan, std::map<std::string, std::string>& batches) {
  batches["core"] += bridge(regional_bridge, t.host("core")->address);
  for (std::size_t i = 0; i < t.zones.size(); ++i) {
    const auto* router = t.host(t.zones[i] + "-router");
    batches[router->name] += bridge(zone_bridge, router->address);
    add_zone_link(plan, batches, t.zones[i], i);
  }
}

/// The third party behind nat, and the address of the metadata.
void add_outside(const Topology& t, NetworkPlan& plan,
                 std::map<std::string, std::string>& batches) {
  const auto& pay = t.host("pay")->address;
  const auto& nat = t.host("nat")->address;
  const auto inside = gateway(pay).substr(0, pay.rfind('.')) + ".0/24";
  plan.links += "link add eth0 netns pay type veth peer name ext netns nat\n";
  batches["pay"] +=
      fmt::format("address add {}/24 dev eth0\nlink set eth0 up\nroute add default via {}\n", pay,
                  gateway(pay));
  // What comes for an EIP is translated before it is routed; the rest belongs to nobody.
  batches["nat"] += fmt::format(
      "address add {}/24 dev ext\nlink set ext up\nroute add blackhole 203.0.113.0/24\n",
      gateway(pay));
  const auto metadata = t.of_kind("metadata").front();
  const auto& control = t.host(metadata->host)->address;
  batches["control"] += fmt::format("address add {}/32 dev lo\n", metadata->address);
  batches["core"] += fmt::format("route add {} via {}\nroute add {}/32 via {}\n", inside, nat,
                                 metadata->address, control);
  batches["neighbour"] += fmt::format("route add {} via {}\n", inside, nat);
}

/// A client of the third party: refused flows show after 3 s (two SYNs), every port can be used but
/// the one that the services listen on.
void add_caller(NetworkPlan& plan, const std::string& host) {
  const std::string ipv4 = "/proc/sys/net/ipv4/";
  plan.settings.push_back({host, ipv4 + "tcp_syn_retries", "1"});
  plan.settings.push_back({host, ipv4 + "ip_local_port_range", "1024 65535"});
  plan.settings.push_back({host, ipv4 + "ip_local_reserved_ports", "8080"});
}

void add_settings(const Topology& t, NetworkPlan& plan) {
  const std::string forward = "/proc/sys/net/ipv4/ip_forward";
  for (const auto& host : t.hosts) {
    if (host.name == "core" || host.name == "nat" || is_router(host)) {
      plan.settings.push_back({host.name, forward, "1"});
    }
  }
  for (const auto* app : t.of_kind("app")) {
    add_caller(plan, app->host);
  }
  add_caller(plan, "neighbour");
}

/// Exist once conntrack is used in the host. A port is free again soon after its flow has ended, as
/// the kernel does it anyway where a new flow asks for the port of one that is over; also when the
/// far end is cut off: 5 s later then, because each FIN sent again starts the time anew.
std::vector<HostSetting> conntrack_settings() {
  const std::string conntrack = "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_";
  std::vector<HostSetting> settings;
  for (const auto* ending : {"fin_wait", "close_wait", "last_ack", "time_wait", "close"}) {
    settings.push_back({"nat", conntrack + ending, "2"});
  }
  return settings;
}

struct Building {
  std::size_t left = 0;
  bool failed = false;
  targets::Done<void> done;
};

void set_hosts(Children& children, const NetworkPlan& plan, const targets::Done<void>& done) {
  const auto set = [](const std::vector<HostSetting>& settings) -> Result<> {
    for (const auto& s : settings) {
      if (auto written = write_setting(s.host, s.file, s.value); !written) {
        return written;
      }
    }
    return {};
  };
  if (auto written = set(plan.settings); !written) {
    done(written);
    return;
  }
  children.run({"nat", {"nft", "-f", "-"}}, plan.nat_rules, ip_limit,
               [set, done](const Result<std::string>& made) {
                 done(made ? set(conntrack_settings()) : Result<>(made.error()));
               });
}

void configure_hosts(Children& children, const NetworkPlan& plan, targets::Done<void> done) {
  auto building = std::make_shared<Building>(Building{plan.hosts.size(), false, std::move(done)});
  for (const auto& [host, batch] : plan.hosts) {
    children.run({host, {"ip", "-batch", "-"}}, batch, ip_limit,
                 [&children, building, plan](Result<std::string> result) {
                   if (building->failed) {
                     return;
                   }
                   if (!result) {
                     building->failed = true;
                     building->done(result.error());
                   } else if (--building->left == 0) {
                     set_hosts(children, plan, building->done);
                   }
                 });
  }
}

}  // namespace

NetworkPlan plan_network(const Topology& topology) {
  NetworkPlan plan;
  std::map<std::string, std::string> batches;
  for (const auto& host : topology.hosts) {
    plan.namespaces += fmt::format("netns add {}\n", host.name);
    batches[host.name] = "link set lo up\n";
  }
  add_core(topology, plan, batches);
  for (const auto& host : topology.hosts) {
    if (host.name == "core" || host.name == "wire" || host.name == "pay" || is_router(host)) {
      continue;
    }
    if (host.zone.empty()) {
      add_leaf(plan, batches, host, "core", regional_bridge);
    } else {
      add_leaf(plan, batches, host, host.zone + "-router", zone_bridge);
    }
  }
  add_outside(topology, plan, batches);
  add_settings(topology, plan);
  plan.nat_rules = nat_rules(topology.profile);
  plan.hosts.assign(batches.begin(), batches.end());
  return plan;
}

void build_network(Children& children, const NetworkPlan& plan, targets::Done<void> done) {
  const auto links = [&children, plan, done](Result<std::string> made) {
    if (!made) {
      done(made.error());
      return;
    }
    children.run({"", {"ip", "-batch", "-"}}, plan.links, ip_limit,
                 [&children, plan, done](Result<std::string> linked) {
                   if (!linked) {
                     done(linked.error());
                   } else {
                     configure_hosts(children, plan, done);
                   }
                 });
  };
  children.run({"", {"ip", "-batch", "-"}}, plan.namespaces, ip_limit, links);
}

}  // namespace faultline::lab
