#include "targets/lab/supervisor_network.hpp"

#include "targets/lab/supervisor_namespaces.hpp"

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

void add_core(const Topology& t, NetworkPlan& plan, std::map<std::string, std::string>& batches) {
  plan.forwarding.push_back("core");
  batches["core"] += bridge(regional_bridge, t.host("core")->address);
  for (std::size_t i = 0; i < t.zones.size(); ++i) {
    const auto& zone = t.zones[i];
    const auto* router = t.host(zone + "-router");
    plan.forwarding.push_back(router->name);
    plan.links += fmt::format("link add core netns {} type veth peer name zone-{} netns core\n",
                              router->name, zone);
    batches["core"] += fmt::format(
        "address add {0}/30 dev zone-{1}\nlink set zone-{1} up\nroute add 10.0.{2}.0/24 via {3}\n",
        link_address(i, 1), zone, i + 1, link_address(i, 2));
    batches[router->name] += bridge(zone_bridge, router->address);
    batches[router->name] +=
        fmt::format("address add {}/30 dev core\nlink set core up\nroute add default via {}\n",
                    link_address(i, 2), link_address(i, 1));
  }
}

struct Building {
  std::size_t left = 0;
  bool failed = false;
  targets::Done<void> done;
};

void enable_forwarding(const NetworkPlan& plan, const targets::Done<void>& done) {
  for (const auto& host : plan.forwarding) {
    if (auto on = write_setting(host, "/proc/sys/net/ipv4/ip_forward", "1"); !on) {
      done(on);
      return;
    }
  }
  done(Result<>{});
}

void configure_hosts(Children& children, const NetworkPlan& plan, targets::Done<void> done) {
  auto building = std::make_shared<Building>(Building{plan.hosts.size(), false, std::move(done)});
  for (const auto& [host, batch] : plan.hosts) {
    children.run({host, {"ip", "-batch", "-"}}, batch, ip_limit,
                 [building, plan](Result<std::string> result) {
                   if (building->failed) {
                     return;
                   }
                   if (!result) {
                     building->failed = true;
                     building->done(result.error());
                   } else if (--building->left == 0) {
                     enable_forwarding(plan, building->done);
                   }
                 });
  }
}

std::string table(const std::string& action, const std::string& chains) {
  return fmt::format("table inet fl_{} {{\n{}}}\n", action, chains);
}

/// Before every other rule, whoever wrote it.
std::string chain(std::string_view hook, const std::string& rules) {
  return fmt::format(
      "  chain {0} {{\n    type filter hook {0} priority -300; policy accept;\n{1}  }}\n", hook,
      rules);
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
    if (host.name == "core" || is_router(host)) {
      continue;
    }
    if (host.zone.empty()) {
      add_leaf(plan, batches, host, "core", regional_bridge);
    } else {
      add_leaf(plan, batches, host, host.zone + "-router", zone_bridge);
    }
  }
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

std::string cut_rules(const std::string& action, const std::string& zone,
                      const std::string& direction) {
  std::string rules;
  if (direction != "inbound") {
    rules += fmt::format("    iifname \"zone-{}\" drop\n", zone);
  }
  if (direction != "outbound") {
    rules += fmt::format("    oifname \"zone-{}\" drop\n", zone);
  }
  return table(action, chain("forward", rules));
}

std::string isolate_rules(const std::string& action) {
  return table(action, chain("input", "    iifname != \"lo\" drop\n") +
                           chain("output", "    oifname != \"lo\" drop\n"));
}

std::string delete_rules(const std::string& action) {
  return fmt::format("add table inet fl_{0}\ndelete table inet fl_{0}\n", action);
}

}  // namespace faultline::lab
