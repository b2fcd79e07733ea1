#include "orchestrator/script/value.hpp"

#include "orchestrator/script/script.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace faultline::script {
namespace {

constexpr std::size_t max_text_bytes = 4096;  // a request's body; a hypothesis has far less
constexpr int max_depth = 16;                 // of tables in parameters: nobody nests deeper
constexpr std::size_t max_items = 1000;       // in one table of parameters

void check_utf8(const std::string& text, std::string_view what) {
  try {
    static_cast<void>(Json(text).dump());
  } catch (const Json::exception&) {
    throw Failure({ErrorKind::usage, fmt::format("{} must be UTF-8 text", what)});
  }
}

Json table_to_json(lua_State* lua, int index, std::string_view what, int depth);

Json any_to_json(lua_State* lua, int index, std::string_view what, int depth) {
  switch (lua_type(lua, index)) {
    case LUA_TBOOLEAN:
      return Json(lua_toboolean(lua, index) != 0);
    case LUA_TSTRING:
      return Json(to_text(lua, index, what));
    case LUA_TNUMBER:
      return lua_isinteger(lua, index) != 0 ? Json(lua_tointeger(lua, index))
                                            : Json(lua_tonumber(lua, index));
    case LUA_TTABLE:
      return table_to_json(lua, index, what, depth + 1);
    default:
      break;
  }
  if (const auto* duration = test<Duration>(lua, index)) {
    return to_json(*duration);
  }
  refuse(fmt::format("{} must be text, a number, a duration or a table of them, found {}", what,
                     found(lua, index)));
}

Json table_to_json(lua_State* lua, int index, std::string_view what, int depth) {
  if (depth > max_depth) {
    refuse(fmt::format("{} is nested more than {} tables deep", what, max_depth));
  }
  const auto length = lua_rawlen(lua, index);
  Json out = length > 0 ? Json::array() : Json::object();
  std::size_t items = 0;
  luaL_checkstack(lua, 4, "reading a table");
  each(lua, index, [&](int key, int value) {
    if (++items > max_items) {
      refuse(fmt::format("{} has more than {} items", what, max_items));
    }
    if (length > 0) {
      return;  // in order, below
    }
    if (lua_type(lua, key) != LUA_TSTRING) {
      refuse(fmt::format("{} must be a list or have named fields, found both", what));
    }
    const auto name = to_text(lua, key, what);
    out[name] = any_to_json(lua, value, fmt::format("'{}' of {}", name, what), depth);
  });
  if (length > 0 && items != length) {
    refuse(fmt::format("{} must be a list or have named fields, found both", what));
  }
  for (lua_Unsigned i = 1; i <= length; ++i) {
    lua_rawgeti(lua, index, static_cast<lua_Integer>(i));
    out.push_back(any_to_json(lua, lua_absindex(lua, -1), what, depth));
    lua_pop(lua, 1);
  }
  return out;
}

}  // namespace

void refuse(std::string message) {
  throw Failure({ErrorKind::usage, std::move(message)});
}

std::string found(lua_State* lua, int index) {
  switch (lua_type(lua, index)) {
    case LUA_TNONE:
    case LUA_TNIL:
      return "nothing";
    case LUA_TBOOLEAN:
      return lua_toboolean(lua, index) != 0 ? "true" : "false";
    case LUA_TNUMBER:
      return lua_isinteger(lua, index) != 0 ? fmt::to_string(lua_tointeger(lua, index))
                                            : fmt::format("{:g}", lua_tonumber(lua, index));
    case LUA_TSTRING: {
      std::size_t size = 0;
      const char* text = lua_tolstring(lua, index, &size);
      constexpr std::size_t shown = 60;
      return fmt::format("'{}{}'", std::string_view(text, std::min(size, shown)),
                         size > shown ? "..." : "");
    }
    default:
      break;
  }
  if (const auto* duration = test<Duration>(lua, index)) {
    return "the duration " + faultline::in_words(*duration);
  }
  if (lua_type(lua, index) == LUA_TUSERDATA &&
      luaL_getmetafield(lua, index, "__name") != LUA_TNIL) {
    std::string name = lua_tostring(lua, -1);
    lua_pop(lua, 1);
    return name;
  }
  return std::string("a ") + luaL_typename(lua, index);
}

Duration to_duration(lua_State* lua, int index, std::string_view what) {
  if (const auto* duration = test<Duration>(lua, index)) {
    return *duration;
  }
  refuse(fmt::format("{}: expected a duration such as 20*s, found {}", what, found(lua, index)));
}

double to_number(lua_State* lua, int index, std::string_view what, double min, double max) {
  if (lua_type(lua, index) != LUA_TNUMBER) {
    refuse(fmt::format("{}: expected a number, found {}", what, found(lua, index)));
  }
  const double value = lua_tonumber(lua, index);
  if (!(value >= min && value <= max)) {
    refuse(
        fmt::format("{}: expected a number from {:g} to {:g}, found {:g}", what, min, max, value));
  }
  return value;
}

double to_percent(lua_State* lua, int index, std::string_view what) {
  if (lua_type(lua, index) == LUA_TNUMBER) {
    const double value = lua_tonumber(lua, index);
    if (value >= 1 && value <= 100) {
      return value;
    }
  }
  refuse(fmt::format("{}: expected a percentage from 1 to 100 such as 97, found {}", what,
                     found(lua, index)));
}

double to_whole(lua_State* lua, int index, std::string_view what, double min, double max) {
  const double value = to_number(lua, index, what, min, max);
  if (value != std::floor(value)) {
    refuse(fmt::format("{}: expected a whole number, found {:g}", what, value));
  }
  return value;
}

std::string to_text(lua_State* lua, int index, std::string_view what) {
  if (lua_type(lua, index) != LUA_TSTRING) {
    refuse(fmt::format("{}: expected a text in quotes, found {}", what, found(lua, index)));
  }
  std::size_t size = 0;
  const char* text = lua_tolstring(lua, index, &size);
  if (size > max_text_bytes) {
    refuse(fmt::format("{}: expected a text of at most {} bytes, found {}", what, max_text_bytes,
                       size));
  }
  std::string copy(text, size);
  check_utf8(copy, what);
  return copy;
}

bool to_bool(lua_State* lua, int index, std::string_view what) {
  if (lua_type(lua, index) != LUA_TBOOLEAN) {
    refuse(fmt::format("{}: expected true or false, found {}", what, found(lua, index)));
  }
  return lua_toboolean(lua, index) != 0;
}

std::vector<std::string> to_texts(lua_State* lua, int index, std::string_view what) {
  if (lua_type(lua, index) != LUA_TTABLE) {
    refuse(fmt::format("{}: expected a list such as {{ \"a\", \"b\" }}, found {}", what,
                       found(lua, index)));
  }
  const Json list = to_json(lua, index, what);
  std::vector<std::string> texts;
  for (const auto& item : list) {
    if (!list.is_array() || !item.is_string()) {
      refuse(fmt::format("{}: expected a list of texts, found {}", what, item.dump()));
    }
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

Json to_json(lua_State* lua, int index, std::string_view what) {
  return any_to_json(lua, lua_absindex(lua, index), what, 0);
}

bool is_duration(const Json& value) {
  return value.is_object() && value.size() == 1 && value.contains("ms");
}

Json to_json(Duration duration) {
  return {{"ms", to_ms(duration)}};
}

void push_json(lua_State* lua, const Json& value) {
  luaL_checkstack(lua, 4, "writing a table");
  if (is_duration(value)) {
    const std::chrono::duration<double, std::milli> ms(value["ms"].get<double>());
    push(lua, std::chrono::duration_cast<Duration>(ms));
  } else if (value.is_boolean()) {
    lua_pushboolean(lua, value.get<bool>() ? 1 : 0);
  } else if (value.is_number_integer()) {
    lua_pushinteger(lua, value.get<lua_Integer>());
  } else if (value.is_number()) {
    lua_pushnumber(lua, value.get<double>());
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    lua_pushlstring(lua, text.data(), text.size());
  } else if (value.is_array()) {
    lua_newtable(lua);
    lua_Integer index = 0;
    for (const auto& item : value) {
      push_json(lua, item);
      lua_rawseti(lua, -2, ++index);
    }
  } else if (value.is_object()) {
    lua_newtable(lua);
    for (const auto& [key, item] : value.items()) {
      push_json(lua, item);
      lua_setfield(lua, -2, key.c_str());
    }
  } else {
    lua_pushnil(lua);
  }
}

Fields::Fields(lua_State* lua, int index, const Shape& shape, std::string_view within)
    : lua_(lua), index_(lua_absindex(lua, index)), shape_(shape), within_(within) {
  if (lua_type(lua, index_) != LUA_TTABLE) {
    refuse(fmt::format("{} takes a table with named fields: {} {{ {} = ... }}, found {}",
                       shape.name, shape.name, shape.fields.front(), found(lua, index_)));
  }
  each(lua, index_, [&](int key, int /*value*/) {
    if (lua_type(lua, key) != LUA_TSTRING) {
      refuse(fmt::format("{} takes named fields ({} = ...), found a list item", shape.name,
                         shape.fields.front()));
    }
    const auto name = to_text(lua, key, shape.name);
    if (std::ranges::find(shape.fields, name) == shape.fields.end()) {
      at(name, [&] {
        refuse(fmt::format("{}: unknown field '{}'{}", shape.name, name,
                           suggestion(name, shape.fields)));
      });
    }
  });
}

void Fields::push_field(const char* field) const {
  lua_pushstring(lua_, field);
  lua_rawget(lua_, index_);
}

bool Fields::has(const char* field) const {
  push_field(field);
  const bool there = !lua_isnil(lua_, -1);
  lua_pop(lua_, 1);
  return there;
}

std::string Fields::name_of(std::string_view field) const {
  return fmt::format("{}: '{}'", shape_.name, field);
}

void Fields::throw_at(std::string_view field, Error error) const {
  auto place = place_of(lua_);
  const auto* script = Sandbox::of(lua_).script;
  if (script != nullptr && !error.message.starts_with(place.file + ":")) {
    place.line = script->line_of_field(place, within_);
    place.line = script->line_of_field(place, field);
    error.message = fmt::format("{}: {}", in_words(place), error.message);
  }
  throw Failure(std::move(error));
}

void Fields::require(const char* field, std::string_view example) const {
  if (!has(field)) {
    refuse(fmt::format("{}: '{}' is missing, write {} = {}", shape_.name, field, field, example));
  }
}

void Fields::text(const char* field, std::string& out) const {
  with(field, [&](int i, const std::string& what) { out = to_text(lua_, i, what); });
}

void Fields::texts(const char* field, std::vector<std::string>& out) const {
  with(field, [&](int i, const std::string& what) { out = to_texts(lua_, i, what); });
}

void Fields::duration(const char* field, Duration& out) const {
  with(field, [&](int i, const std::string& what) { out = to_duration(lua_, i, what); });
}

void Fields::flag(const char* field, bool& out) const {
  with(field, [&](int i, const std::string& what) { out = to_bool(lua_, i, what); });
}

void Fields::number(const char* field, double& out, double min, double max) const {
  with(field, [&](int i, const std::string& what) { out = to_number(lua_, i, what, min, max); });
}

void Fields::count(const char* field, std::size_t& out) const {
  constexpr double most = 1e6;  // far more than any environment has of anything
  with(field, [&](int i, const std::string& what) {
    out = static_cast<std::size_t>(to_whole(lua_, i, what, 0, most));
  });
}

}  // namespace faultline::script
