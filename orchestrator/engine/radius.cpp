#include "orchestrator/engine/radius.hpp"

#include <algorithm>
#include <optional>

namespace faultline::engine {
namespace {

using targets::Component;
using targets::Json;
using targets::World;

std::optional<std::string> label(const Component& component, const char* key) {
  const auto found = component.labels.find(key);
  return found == component.labels.end() ? std::nullopt : std::optional(found->second);
}

/// The cache or database that it is a node of.
std::optional<std::string> store_of(const Component& component) {
  const auto cache = label(component, "cache");
  return cache ? cache : label(component, "database");
}

void add_names(const Component& component, std::set<std::string>& names) {
  names.insert("component " + component.name);
  names.insert("host " + component.host);
  if (!component.zone.empty()) {
    names.insert("zone " + component.zone);
  }
  for (const auto* key : {"service", "cache", "database", "dependency"}) {
    if (const auto value = label(component, key)) {
      names.insert(std::string(key) + " " + *value);
    }
  }
}

void join(Share& share, const Share& other) {
  share.hit.insert(other.hit.begin(), other.hit.end());
  share.of = std::max(share.of, other.of);
}

void widen(Share& widest, const Share& other) {
  if (other.hit.size() > widest.hit.size()) {
    widest.hit = other.hit;
  }
  widest.of = std::max(widest.of, other.of);
}

Json share_to_json(const Share& share) {
  return {{"hit", share.hit},
          {"count", share.hit.size()},
          {"of", share.of},
          {"percent", share.percent()}};
}

Json shares(const std::map<std::string, Share>& all, const Radius& radius) {
  Json out = Json::array();
  for (const auto& [name, share] : all) {
    Json entry = share_to_json(share);
    entry["name"] = name;
    entry["roles"] = Json::object();
    for (const auto& component : share.hit) {
      if (const auto role = radius.roles.find(component); role != radius.roles.end()) {
        entry["roles"][component] = role->second;
      }
    }
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace

Radius radius_of(const faults::Plan& plan, const World& world) {
  Radius radius;
  radius.faults = 1;
  radius.zones = {{plan.zones_cut.begin(), plan.zones_cut.end()}, world.zones.size()};
  radius.components = {{plan.instances.begin(), plan.instances.end()}, world.components.size()};
  for (const auto& name : plan.instances) {
    const auto* component = world.find(name);
    if (component == nullptr) {
      continue;
    }
    if (const auto service = label(*component, "service")) {
      auto& share = radius.services[*service];
      share.hit.insert(name);
      share.of = world.with_label("service", *service).size();
    }
    if (const auto store = store_of(*component)) {
      auto& share = radius.stores[*store];
      share.hit.insert(name);
      share.of = world.nodes_of(*store).size();
    }
    if (const auto role = label(*component, "role")) {
      radius.roles[name] = *role;
    }
  }
  return radius;
}

void join(Radius& radius, const Radius& other) {
  radius.faults += other.faults;
  join(radius.zones, other.zones);
  join(radius.components, other.components);
  for (const auto& [name, share] : other.services) {
    join(radius.services[name], share);
  }
  for (const auto& [name, share] : other.stores) {
    join(radius.stores[name], share);
  }
  radius.roles.insert(other.roles.begin(), other.roles.end());
}

void widen(Radius& widest, const Radius& other) {
  widest.faults = std::max(widest.faults, other.faults);
  widen(widest.zones, other.zones);
  widen(widest.components, other.components);
  for (const auto& [name, share] : other.services) {
    widen(widest.services[name], share);
  }
  for (const auto& [name, share] : other.stores) {
    widen(widest.stores[name], share);
  }
  widest.roles.insert(other.roles.begin(), other.roles.end());
}

std::set<std::string> touched_by(const faults::Plan& plan, const World& world) {
  std::set<std::string> names(plan.resources.begin(), plan.resources.end());
  for (const auto& zone : plan.zones_cut) {
    names.insert("zone " + zone);
  }
  for (const auto& action : plan.actions) {
    names.insert(action.resource);
  }
  for (const auto& instance : plan.instances) {
    if (const auto* component = world.find(instance)) {
      add_names(*component, names);
    }
  }
  return names;
}

std::set<std::string> touchable(const World& world) {
  std::set<std::string> names;
  for (const auto& zone : world.zones) {
    names.insert("zone " + zone);
  }
  for (const auto& host : world.hosts) {
    names.insert("host " + host);
  }
  if (!world.nat.host.empty()) {
    names.insert("nat " + world.nat.host);
  }
  for (const auto& component : world.components) {
    add_names(component, names);
  }
  return names;
}

void to_json(Json& out, const Radius& radius) {
  out = {{"concurrent_faults", radius.faults},
         {"zones", share_to_json(radius.zones)},
         {"components", share_to_json(radius.components)},
         {"services", shares(radius.services, radius)},
         {"stores", shares(radius.stores, radius)}};
}

}  // namespace faultline::engine
