#pragma once

#include "orchestrator/engine/environment.hpp"
#include "orchestrator/script/shapes.hpp"
#include "orchestrator/script/value.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

#include <map>
#include <string>

namespace faultline::script {

/// Visits a table of named entries: `probes`, `caches`, `slo`. Errors carry the entry's line.
template <class Visit>
void each_named(lua_State* lua, const Fields& fields, const char* field, Visit visit) {
  fields.with(field, [&](int index, const std::string& what) {
    if (lua_type(lua, index) != LUA_TTABLE) {
      refuse(
          fmt::format("{}: expected a table of named entries, found {}", what, found(lua, index)));
    }
    each(lua, index, [&](int key, int value) {
      const auto name = lua_type(lua, key) == LUA_TSTRING ? to_text(lua, key, what) : "";
      if (!is_identifier(name)) {
        refuse(
            fmt::format("{}: expected names of a-z, 0-9 and _, found {}", what, found(lua, key)));
      }
      fields.at(name, [&] { visit(name, value); });
    });
  });
}

/// The names of a map, for suggestions.
template <class Map>
std::vector<std::string> names_of(const Map& map) {
  std::vector<std::string> names;
  for (const auto& [name, value] : map) {
    names.push_back(name);
  }
  return names;
}

template <class Map>
void check_known(const Map& known, const std::string& name, std::string_view what) {
  if (!known.contains(name)) {
    refuse(fmt::format("unknown {} '{}'{}", what, name, suggestion(name, names_of(known))));
  }
}

/// ADDRESS[:PORT], with localhost for 127.0.0.1. Addresses, not names: an environment may have no
/// resolver, where a lookup blocks.
struct Address {
  std::string host;
  std::uint16_t port = 0;
};
Address parse_address(std::string_view text, const std::string& what,
                      std::optional<std::uint16_t> default_port);

/// The fields that every kind of probe has besides its rate; `args` begin empty.
void read_common(const Fields& fields, engine::Probe& probe);

/// Who may have a load that is not one rate: `faultline load` alone, because a window's size would
/// not be known.
enum class Pacing { one_rate, any };

/// Reads `probes = { ... }` into `probes`: fills in the environment's deadline, and checks names of
/// probes and stores against it.
void read_probes(lua_State* lua, const Fields& fields, const engine::Environment& environment,
                 std::map<std::string, engine::Probe>& probes, Pacing pacing = Pacing::one_rate);

}  // namespace faultline::script
