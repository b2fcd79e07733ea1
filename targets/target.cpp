#include "targets/target.hpp"

#include <algorithm>

namespace faultline::targets {
namespace {

std::int64_t ms(Duration d) {
  return std::chrono::floor<std::chrono::milliseconds>(d).count();
}

ProcessState process_state(const std::string& text) {
  return text == "running"   ? ProcessState::running
         : text == "stopped" ? ProcessState::stopped
                             : ProcessState::dead;
}

}  // namespace

void to_json(Json& out, const Action& a) {
  out = {{"id", a.id},
         {"kind", a.kind},
         {"args", a.args},
         {"summary", a.summary},
         {"resource", a.resource},
         {"undo_summary", a.undo_summary},
         {"max_duration_ms", ms(a.max_duration)}};
}

void from_json(const Json& in, Action& a) {
  in.at("id").get_to(a.id);
  in.at("kind").get_to(a.kind);
  a.args = in.at("args");
  in.at("summary").get_to(a.summary);
  in.at("undo_summary").get_to(a.undo_summary);
  in.at("resource").get_to(a.resource);
  a.max_duration = std::chrono::milliseconds(in.at("max_duration_ms").get<std::int64_t>());
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::done:
      return "done";
    case Outcome::refused:
      return "refused";
    case Outcome::unknown:
      return "unknown";
  }
  return "unknown";
}

std::string_view to_string(ProcessState state) {
  switch (state) {
    case ProcessState::running:
      return "running";
    case ProcessState::stopped:
      return "stopped";
    case ProcessState::dead:
      return "dead";
  }
  return "dead";
}

void to_json(Json& out, const Check& check) {
  out = {{"kind", check.kind}, {"args", check.args}, {"summary", check.summary}};
}

void from_json(const Json& in, Check& check) {
  in.at("kind").get_to(check.kind);
  check.args = in.at("args");
  in.at("summary").get_to(check.summary);
}

void to_json(Json& out, const World& world) {
  Json components = Json::array();
  for (const auto& c : world.components) {
    components.push_back({{"name", c.name},
                          {"kind", c.kind},
                          {"host", c.host},
                          {"zone", c.zone},
                          {"address", c.address},
                          {"port", c.port},
                          {"state", to_string(c.state)},
                          {"healthy", c.healthy},
                          {"health", c.health},
                          {"pid", c.pid},
                          {"memory_bytes", c.memory_bytes},
                          {"cpu_ms", c.cpu_ms},
                          {"arrived", c.arrived},
                          {"labels", c.labels}});
  }
  Json in_force = Json::array();
  for (const auto& f : world.in_force) {
    in_force.push_back(
        {{"action", f.action}, {"epoch", f.epoch}, {"expires_in_ms", ms(f.expires_in)}});
  }
  out = {{"name", world.name},
         {"profile", world.profile},
         {"zones", world.zones},
         {"hosts", world.hosts},
         {"components", components},
         {"homes", world.homes},
         {"nat",
          {{"host", world.nat.host},
           {"eips", world.nat.eips},
           {"ports_per_eip", world.nat.ports_per_eip}}},
         {"in_force", in_force},
         {"machine", world.machine ? Json{{"total_ms", world.machine->total_ms},
                                          {"idle_ms", world.machine->idle_ms},
                                          {"own_ms", world.machine->own_ms}}
                                   : Json()},
         {"owner", world.owner}};
}

void from_json(const Json& in, World& world) {
  in.at("name").get_to(world.name);
  in.at("profile").get_to(world.profile);
  in.at("zones").get_to(world.zones);
  in.at("hosts").get_to(world.hosts);
  in.at("homes").get_to(world.homes);
  const auto& nat = in.at("nat");
  nat.at("host").get_to(world.nat.host);
  nat.at("eips").get_to(world.nat.eips);
  nat.at("ports_per_eip").get_to(world.nat.ports_per_eip);
  in.at("owner").get_to(world.owner);
  world.machine.reset();
  if (const auto& machine = in.at("machine"); machine.is_object()) {
    world.machine = {machine.at("total_ms").get<std::uint64_t>(),
                     machine.at("idle_ms").get<std::uint64_t>(),
                     machine.at("own_ms").get<std::uint64_t>()};
  }
  world.components.clear();
  for (const auto& j : in.at("components")) {
    Component c;
    j.at("name").get_to(c.name);
    j.at("kind").get_to(c.kind);
    j.at("host").get_to(c.host);
    j.at("zone").get_to(c.zone);
    j.at("address").get_to(c.address);
    j.at("port").get_to(c.port);
    c.state = process_state(j.at("state").get<std::string>());
    j.at("healthy").get_to(c.healthy);
    j.at("health").get_to(c.health);
    j.at("pid").get_to(c.pid);
    j.at("memory_bytes").get_to(c.memory_bytes);
    j.at("cpu_ms").get_to(c.cpu_ms);
    j.at("arrived").get_to(c.arrived);
    j.at("labels").get_to(c.labels);
    world.components.push_back(std::move(c));
  }
  world.in_force.clear();
  for (const auto& j : in.at("in_force")) {
    world.in_force.push_back(
        {j.at("action").get<Action>(), j.at("epoch").get<Epoch>(),
         std::chrono::milliseconds(j.at("expires_in_ms").get<std::int64_t>())});
  }
}

const Component* World::find(std::string_view component) const {
  const auto it = std::ranges::find(components, component, &Component::name);
  return it == components.end() ? nullptr : &*it;
}

std::vector<const Component*> World::nodes_of(std::string_view store) const {
  auto nodes = with_label("cache", store);
  return nodes.empty() ? with_label("database", store) : nodes;
}

const Component* World::primary(std::string_view store) const {
  for (const auto* c : nodes_of(store)) {
    const auto role = c->labels.find("role");
    if (role != c->labels.end() && (role->second == "primary" || role->second == "rw")) {
      return c;
    }
  }
  return nullptr;
}

std::vector<const Component*> World::with_label(std::string_view key,
                                                std::string_view value) const {
  std::vector<const Component*> found;
  for (const auto& c : components) {
    const auto label = c.labels.find(std::string(key));
    if (label != c.labels.end() && label->second == value) {
      found.push_back(&c);
    }
  }
  return found;
}

}  // namespace faultline::targets
