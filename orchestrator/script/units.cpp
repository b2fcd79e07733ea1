#include "orchestrator/script/bindings.hpp"
#include "orchestrator/script/value.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

/// Durations as a type of their own: 5*minute + 20*s.
namespace faultline::script {
namespace {

constexpr double max_duration_ns = 366.0 * 86'400 * 1e9;  // a year: longer is a slip of the pen

const Duration* duration_at(lua_State* lua, int index) {
  return test<Duration>(lua, index);
}

void push_duration(lua_State* lua, double nanoseconds) {
  if (!(std::abs(nanoseconds) <= max_duration_ns)) {
    refuse("a duration may be at most a year");
  }
  push(lua, Duration(static_cast<Duration::rep>(std::llround(nanoseconds))));
}

double count(const Duration* duration) {
  return static_cast<double>(duration->count());
}

struct Pair {
  double left;
  double right;
};

Pair two_durations(lua_State* lua, std::string_view doing) {
  const auto* left = duration_at(lua, 1);
  const auto* right = duration_at(lua, 2);
  if (left == nullptr || right == nullptr) {
    refuse(fmt::format("{} takes two durations such as 20*s, found {} and {}", doing, found(lua, 1),
                       found(lua, 2)));
  }
  return {count(left), count(right)};
}

int add(lua_State* lua) {
  const auto pair = two_durations(lua, "+");
  push_duration(lua, pair.left + pair.right);
  return 1;
}

int subtract(lua_State* lua) {
  const auto pair = two_durations(lua, "-");
  push_duration(lua, pair.left - pair.right);
  return 1;
}

int multiply(lua_State* lua) {
  const auto* duration = duration_at(lua, 1) != nullptr ? duration_at(lua, 1) : duration_at(lua, 2);
  const int other = duration == duration_at(lua, 1) ? 2 : 1;
  if (lua_type(lua, other) != LUA_TNUMBER) {
    refuse(fmt::format("a duration can be multiplied by a number, found {}", found(lua, other)));
  }
  push_duration(lua, count(duration) * lua_tonumber(lua, other));
  return 1;
}

int divide(lua_State* lua) {
  const auto* left = duration_at(lua, 1);
  if (left != nullptr && lua_type(lua, 2) == LUA_TNUMBER) {
    push_duration(lua, count(left) / lua_tonumber(lua, 2));
    return 1;
  }
  const auto pair = two_durations(lua, "/");
  lua_pushnumber(lua, pair.left / pair.right);
  return 1;
}

int negate(lua_State* lua) {
  push_duration(lua, -count(duration_at(lua, 1)));
  return 1;
}

int equal(lua_State* lua) {
  const auto* left = duration_at(lua, 1);
  const auto* right = duration_at(lua, 2);
  lua_pushboolean(lua, left != nullptr && right != nullptr && *left == *right ? 1 : 0);
  return 1;
}

int less(lua_State* lua) {
  const auto pair = two_durations(lua, "<");
  lua_pushboolean(lua, pair.left < pair.right ? 1 : 0);
  return 1;
}

int less_or_equal(lua_State* lua) {
  const auto pair = two_durations(lua, "<=");
  lua_pushboolean(lua, pair.left <= pair.right ? 1 : 0);
  return 1;
}

int to_string(lua_State* lua) {
  const auto text = faultline::in_words(to_duration(lua, 1, "tostring"));
  lua_pushlstring(lua, text.data(), text.size());
  return 1;
}

int concatenate(lua_State* lua) {
  luaL_tolstring(lua, 1, nullptr);
  luaL_tolstring(lua, 2, nullptr);
  lua_concat(lua, 2);
  return 1;
}

constexpr std::array metamethods{
    Binding{"__add", guarded<add>},
    Binding{"__sub", guarded<subtract>},
    Binding{"__mul", guarded<multiply>},
    Binding{"__div", guarded<divide>},
    Binding{"__unm", guarded<negate>},
    Binding{"__eq", guarded<equal>},
    Binding{"__lt", guarded<less>},
    Binding{"__le", guarded<less_or_equal>},
    Binding{"__tostring", guarded<to_string>},
    Binding{"__concat", guarded<concatenate>},
};

}  // namespace

void open_units(lua_State* lua) {
  define_type<Duration>(lua);
  for (const auto& metamethod : metamethods) {
    lua_pushcfunction(lua, metamethod.function);
    lua_setfield(lua, -2, metamethod.name);
  }
  lua_pop(lua, 1);
  const auto unit = [lua](const char* name, Duration length) {
    push(lua, length);
    lua_setglobal(lua, name);
  };
  unit("ms", std::chrono::milliseconds(1));
  unit("s", std::chrono::seconds(1));
  unit("minute", std::chrono::minutes(1));
  unit("hour", std::chrono::hours(1));
}

}  // namespace faultline::script
