#include "orchestrator/script/bindings.hpp"
#include "orchestrator/script/probes.hpp"
#include "orchestrator/script/script.hpp"
#include "orchestrator/script/shapes.hpp"
#include "orchestrator/script/value.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

/// Selectors: names taken from the world as it is now, instead of written into scripts.
namespace faultline::script {
namespace {

[[noreturn]] void nothing_matched(const std::string& what) {
  throw Failure({ErrorKind::not_found, fmt::format("{} matches nothing in the environment as it is "
                                                   "now; see `faultline lab status`",
                                                   what)});
}

bool has_label(const targets::Component& component, const std::string& key,
               const std::string& value) {
  const auto label = component.labels.find(key);
  return label != component.labels.end() && label->second == value;
}

struct Wanted {
  std::string service;
  std::string zone;
  std::optional<bool> spot;
  double share = 1;
};

Wanted read_wanted(lua_State* lua) {
  const Fields fields(lua, 1, instances_shape());
  Wanted wanted;
  fields.text("service", wanted.service);
  fields.text("zone", wanted.zone);
  if (fields.has("spot")) {
    fields.flag("spot", wanted.spot.emplace());
  }
  fields.number("share", wanted.share, 0, 1);
  return wanted;
}

std::vector<std::string> matching(const targets::World& world, const Wanted& wanted) {
  std::vector<std::string> names;
  for (const auto& component : world.components) {
    const bool spot = has_label(component, "spot", "true");
    if (component.kind == "app" &&
        (wanted.service.empty() || has_label(component, "service", wanted.service)) &&
        (wanted.zone.empty() || component.zone == wanted.zone) &&
        (!wanted.spot || spot == *wanted.spot)) {
      names.push_back(component.name);
    }
  }
  std::ranges::sort(names);
  constexpr double rounding = 1e-9;  // of a share such as 1/3 or 0.7
  const double share = static_cast<double>(names.size()) * wanted.share;
  names.resize(static_cast<std::size_t>(std::ceil(share - rounding)));
  return names;
}

}  // namespace

int select_zone_of(lua_State* lua) {
  const auto store = to_text(lua, 1, "zone_of: the cache or database");
  const auto world =
      script_of(lua).ask("zone_of", [](engine::Stage& stage) { return stage.world(); });
  const auto nodes = world.nodes_of(store);
  if (nodes.empty()) {
    refuse(fmt::format("zone_of: unknown cache or database '{}'{}", store,
                       suggestion(store, names_of(world.homes))));
  }
  const bool database = nodes.front()->labels.contains("database");
  const std::array<std::string, 2> roles = database
                                               ? std::array<std::string, 2>{"rw", "ro"}
                                               : std::array<std::string, 2>{"primary", "replica"};
  const auto role = lua_isnoneornil(lua, 2) ? roles.front() : to_text(lua, 2, "zone_of: the role");
  if (std::ranges::find(roles, role) == roles.end()) {
    refuse(fmt::format("zone_of: unknown role '{}'{}", role, suggestion(role, roles)));
  }
  for (const auto* node : nodes) {
    if (has_label(*node, "role", role)) {
      lua_pushlstring(lua, node->zone.data(), node->zone.size());
      return 1;
    }
  }
  nothing_matched(fmt::format("zone_of(\"{}\", \"{}\")", store, role));
}

int select_instances(lua_State* lua) {
  const auto wanted = read_wanted(lua);
  const auto world =
      script_of(lua).ask("instances", [](engine::Stage& stage) { return stage.world(); });
  if (!wanted.zone.empty() && std::ranges::find(world.zones, wanted.zone) == world.zones.end()) {
    refuse(fmt::format("instances: unknown zone '{}'{}", wanted.zone,
                       suggestion(wanted.zone, world.zones)));
  }
  const auto names = matching(world, wanted);
  if (names.empty()) {
    nothing_matched("instances { ... }");
  }
  push_json(lua, Json(names));
  return 1;
}

}  // namespace faultline::script
