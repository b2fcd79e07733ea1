#include "faults/kinds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace faultline::faults {
namespace {

/// Another tenant's node behind the same gateway, and a host that is behind it as well.
const std::string hog_host = "neighbour";
const std::string witness = "client";

/// The gateway tries a limited number of ports for a new flow, so the last percents of a pool are
/// found by luck and by retransmission. Measured: at 61,125 of 64,512 some 500 SYNs
/// had been dropped already.
constexpr double sure_share = 0.97;
/// Where the pool is full the services' flows have some of its ports: that no port is left is shown
/// by a new flow, and that the fault did it by the share that is the neighbour's.
constexpr double own_share = 0.5;
constexpr int ports_of_one_ip = 64'512;         // 1024 to 65535
constexpr int max_flows = 4 * ports_of_one_ip;  // a kernel's table of connections, less a little
constexpr Duration proof_limit = std::chrono::seconds(10);
constexpr Duration per_flow = std::chrono::milliseconds(1);  // 64,512 of them took up to 51 s

struct Pool {
  int eips, ports_per_eip;
  [[nodiscard]] int ports() const { return eips * ports_per_eip; }
};

Error wrong(ErrorKind kind, const std::string& message) {
  return {kind, "snat_exhaustion: " + message};
}

/// The third party whose address and port the flows go to.
Result<const targets::Component*> destination(const World& world, const std::string& wanted) {
  std::vector<const targets::Component*> found;
  for (const auto& component : world.components) {
    const auto label = component.labels.find("dependency");
    if (label != component.labels.end() && (wanted.empty() || label->second == wanted)) {
      found.push_back(&component);
    }
  }
  if (found.empty()) {
    return wrong(ErrorKind::not_found, "there is no third party here to hold flows to");
  }
  if (found.size() > 1 && wanted.empty()) {
    return wrong(ErrorKind::usage, "there are several third parties here; name one: dependency");
  }
  return found.front();
}

Result<Pool> pool_after(const targets::Nat& nat, const Json& params) {
  const Pool whole{nat.eips, nat.ports_per_eip};
  if (params.at("mode") != "shrink") {
    return whole;
  }
  const Pool left{params.at("eips").get<int>(), params.at("ports").get<int>()};
  if (left.eips > whole.eips || left.ports_per_eip > whole.ports_per_eip ||
      left.ports() >= whole.ports()) {
    return wrong(ErrorKind::usage,
                 fmt::format("shrink must leave fewer than the pool has ({} EIPs with {} ports "
                             "each), found {} with {}",
                             whole.eips, whole.ports_per_eip, left.eips, left.ports_per_eip));
  }
  return left;
}

/// What the neighbour holds: as asked, else one EIP's ports, else all that shrinking left.
Result<int> flows_of(const Json& params, const targets::Nat& nat, const Pool& pool) {
  const int asked = params.at("flows").get<int>();
  if (params.at("mode") != "shrink") {
    return asked == 0 ? nat.ports_per_eip : asked;
  }
  if (asked != 0 && asked < pool.ports()) {
    return wrong(ErrorKind::usage,
                 fmt::format("{} flows leave room in a pool of {} ports, so it could not be proved "
                             "that it shrank; leave 'flows' out, or hold at least {}",
                             asked, pool.ports(), pool.ports()));
  }
  return asked == 0 ? pool.ports() : asked;
}

Action shrink(const targets::Nat& nat, const Pool& pool, const std::string& id) {
  return {.id = id,
          .kind = "nat.shrink",
          .args = {{"eips", pool.eips}, {"ports_per_eip", pool.ports_per_eip}},
          .summary = fmt::format("leave new flows {} EIP{} with {} ports each, of {} with {}",
                                 pool.eips, pool.eips == 1 ? "" : "s", pool.ports_per_eip, nat.eips,
                                 nat.ports_per_eip),
          .undo_summary = "delete those rules",
          .resource = "host " + nat.host};
}

Action hold(const targets::Component& to, int flows, const std::string& id) {
  return {.id = id,
          .kind = "flows.hold",
          .args = {{"host", hog_host}, {"to", to.name}, {"flows", flows}},
          .summary =
              fmt::format("hold {} flows from {} to {}:{}", flows, hog_host, to.address, to.port),
          .undo_summary = "close them",
          .resource = "host " + hog_host};
}

void add_proof(Plan& plan, const targets::Component& to, int flows, int ports) {
  const double share = flows >= ports ? own_share : sure_share;
  const int sure = std::max(1, static_cast<int>(std::floor(share * std::min(flows, ports))));
  plan.effect = {{"nat.flows",
                  {{"to", to.name}, {"from", hog_host}, {"at_least", sure}},
                  fmt::format("conntrack counts at least {} established flows from {} to {}", sure,
                              hog_host, to.name)}};
  if (flows >= ports) {
    plan.effect.push_back({"nat.flow_dropped",
                           {{"from", witness}, {"to", to.name}},
                           fmt::format("a new flow from {} to {} is dropped", witness, to.name)});
  }
  plan.effect_within = proof_limit + flows * per_flow;
}

Result<Plan> plan(const World& world, const Json& params, const std::string& id) {
  const auto to = destination(world, params.at("dependency").get<std::string>());
  if (!to) {
    return to.error();
  }
  if (world.nat.host.empty()) {
    return wrong(ErrorKind::not_found, "there is no NAT gateway here");
  }
  if (std::ranges::find(world.hosts, hog_host) == world.hosts.end()) {
    return wrong(ErrorKind::not_found,
                 fmt::format("there is no host '{}' here to hold flows from", hog_host));
  }
  const auto pool = pool_after(world.nat, params);
  const auto flows = pool ? flows_of(params, world.nat, *pool) : Result<int>(pool.error());
  if (!flows) {
    return flows.error();
  }
  Plan plan;
  if (params.at("mode") == "shrink") {
    plan.actions.push_back(shrink(world.nat, *pool, id + ".1"));
  }
  plan.actions.push_back(hold(**to, *flows, fmt::format("{}.{}", id, plan.actions.size() + 1)));
  plan.resources = {"nat " + world.nat.host, "host " + hog_host};
  add_proof(plan, **to, *flows, pool->ports());
  plan.end_state = {fmt::format("the pool has {} EIP{} with {} ports each", world.nat.eips,
                                world.nat.eips == 1 ? "" : "s", world.nat.ports_per_eip),
                    "the held flows are gone"};
  return plan;
}

}  // namespace

Kind snat_exhaustion() {
  return {
      .name = "snat_exhaustion",
      .summary = "The NAT gateway has no ports left for new flows to one address and port",
      .capability = "hold flows through the NAT gateway, and give new flows fewer EIPs or ports",
      .params =
          {{.name = "mode",
            .type = ParamType::choice,
            .doc = "hog: a neighbour holds real flows; shrink: the pool is made smaller, and the "
                   "neighbour holds what is left",
            .fallback = "hog",
            .choices = {"hog", "shrink"}},
           {.name = "flows",
            .type = ParamType::count,
            .doc = "how many are held; 0: as many as one EIP has ports, or all that shrinking "
                   "left. One EIP has 64,512 usable ports (1024 to 65535); the vendor documents "
                   "55,000 connections to one destination",
            .fallback = 0,
            .min = 0,
            .max = max_flows},
           {.name = "eips",
            .type = ParamType::count,
            .doc = "for shrink: EIPs that are left",
            .fallback = 1,
            .min = 1,
            .max = 64},
           {.name = "ports",
            .type = ParamType::count,
            .doc = "for shrink: ports of each EIP that are left",
            .fallback = 64,
            .min = 1,
            .max = ports_of_one_ip},
           {.name = "dependency",
            .type = ParamType::dependency,
            .doc = "the third party that the flows go to; may be left out where there is one only",
            .fallback = ""}},
      .plan = plan};
}

}  // namespace faultline::faults
