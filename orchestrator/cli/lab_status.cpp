#include "orchestrator/cli/lab.hpp"
#include "orchestrator/cli/table.hpp"
#include "targets/lab/connection.hpp"

#include <fmt/format.h>

namespace faultline::cli {
namespace {

using targets::Component;
using targets::World;

std::string role_of(const Component& c) {
  const auto role = c.labels.find("role");
  if (role != c.labels.end()) {
    return role->second;
  }
  return c.labels.contains("spot") ? c.kind + ", spot" : c.kind;
}

std::string memory_of(const Component& c) {
  constexpr double mib = 1 << 20;
  return c.memory_bytes == 0 ? "-"
                             : fmt::format("{:.1f} MiB", static_cast<double>(c.memory_bytes) / mib);
}

std::string component_table(const World& world) {
  std::vector<std::vector<std::string>> rows{
      {"NAME", "ROLE", "ZONE", "ADDRESS", "STATE", "PID", "MEMORY", "HEALTH"}};
  for (const auto& c : world.components) {
    rows.push_back({c.name, role_of(c), c.zone.empty() ? "-" : c.zone,
                    c.address.empty() ? "-" : fmt::format("{}:{}", c.address, c.port),
                    std::string(to_string(c.state)), c.pid == 0 ? "-" : std::to_string(c.pid),
                    memory_of(c), fmt::format("{}{}", c.healthy ? "" : "UNHEALTHY: ", c.health)});
  }
  return aligned(rows);
}

std::string in_force_table(const World& world) {
  if (world.in_force.empty()) {
    return "In force: nothing\n";
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& f : world.in_force) {
    rows.push_back({f.action.id, f.action.summary,
                    fmt::format("reverted in {} at the latest", in_words(f.expires_in))});
  }
  return "In force:\n" + aligned(rows, 2);
}

}  // namespace

int lab_status(const Context& context, bool as_json) {
  const auto status = lab::ask(context.home, "status");
  if (!status) {
    return report(status.error());
  }
  if (as_json) {
    fmt::print("{}\n", status->dump(2));
    return 0;
  }
  const World world = status->get<World>();
  fmt::print("lab in {}: profile {}, {}, up since {}, supervisor pid {}, {} hosts\n\n",
             context.home.string(), world.profile,
             status->at("healthy").get<bool>() ? "healthy" : "NOT HEALTHY",
             status->at("up_since").get<std::string>(), status->at("pid").get<int>(),
             world.hosts.size());
  fmt::print("{}\n{}NAT: {} EIP{}, {} ports each for one destination\nOwner: {}\n",
             component_table(world), in_force_table(world), world.nat.eips,
             world.nat.eips == 1 ? "" : "s", world.nat.ports_per_eip,
             world.owner.empty() ? "none" : world.owner);
  return 0;
}

}  // namespace faultline::cli
