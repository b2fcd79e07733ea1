#include "targets/lab/config_parts.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace faultline::lab {
namespace {

/// The same on every node: tenant-1 to tenant-20, each with the products p1 to p200.
std::string catalog_text() {
  constexpr int tenants = 20;
  constexpr int products = 200;
  constexpr int cheapest_cents = 199;
  nlohmann::json source;
  for (int t = 1; t <= tenants; ++t) {
    const auto tenant = fmt::format("tenant-{}", t);
    for (int p = 1; p <= products; ++p) {
      source[tenant][fmt::format("p{}", p)] = {{"name", fmt::format("{} product {}", tenant, p)},
                                               {"price_cents", cheapest_cents + 50 * p}};
    }
  }
  return source.dump();
}

}  // namespace

Start app_start(const Topology& topology, const Process& process, const Places& places) {
  const auto folder = places.run / process.name;
  const auto source = folder / "catalog.json";
  const Profile& profile = topology.profile;
  return {{folder},
          {{source, catalog_text()}},
          {(places.programs / "faultline-saas").string(), "--node", process.name, "--zone",
           process.zone, "--listen", fmt::format("{}:{}", process.address, process.port),
           "--sentinels", sentinel_addresses(topology), "--cache", std::string(cache_name),
           "--hold-writes", std::to_string(profile.hold_writes ? profile.held_writes_per_node : 0),
           "--client-deadline-ms", std::to_string(profile.client_deadline.count()), "--catalog",
           source.string()}};
}

}  // namespace faultline::lab
