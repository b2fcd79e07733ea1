#include "orchestrator/script/sandbox.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

/// The standard library as scripts see it. Nothing here touches the machine; what loops in C, where
/// no instruction is counted, gets a bound.
namespace faultline::script {
namespace {

constexpr lua_Integer max_list = 65'536;  // items that a table function walks in C: about 1 ms
constexpr double max_match_steps = 1e8;   // worst case of a pattern match in C: about 0.5 s

constexpr std::array base_names{"_G",           "assert",   "error",  "getmetatable", "ipairs",
                                "load",         "next",     "pairs",  "pcall",        "rawequal",
                                "rawget",       "rawlen",   "rawset", "select",       "type",
                                "setmetatable", "tonumber", "xpcall", "tostring",     "_VERSION"};
constexpr std::array string_names{"byte",  "char",  "find", "format",  "gmatch", "gsub", "len",
                                  "lower", "match", "rep",  "reverse", "sub",    "upper"};
constexpr std::array table_names{"concat", "insert", "move", "pack", "remove", "sort", "unpack"};
constexpr std::array math_names{"abs", "acos",       "asin", "atan", "ceil", "cos", "deg",
                                "exp", "floor",      "fmod", "huge", "log",  "max", "maxinteger",
                                "min", "mininteger", "modf", "pi",   "rad",  "sin", "sqrt",
                                "tan", "tointeger",  "type", "ult"};

[[noreturn]] void refuse(std::string message) {
  throw Failure({ErrorKind::usage, std::move(message)});
}

std::size_t length_of(lua_State* lua, int index) {
  std::size_t length = 0;
  lua_tolstring(lua, index, &length);
  return length;
}

void check_rep(lua_State* lua) {
  const auto limit = Sandbox::of(lua).limits().string_bytes;
  const auto piece = std::max<std::size_t>(1, length_of(lua, 1) + length_of(lua, 3));
  const auto times = lua_tointeger(lua, 2);
  if (times > 0 && static_cast<std::size_t>(times) > limit / piece) {
    refuse(fmt::format("string.rep would make {} x {} bytes; a string may have at most {} KiB",
                       times, piece, limit / 1024));
  }
}

/// How often a pattern can branch: each repetition multiplies the work by the subject's length.
struct Branches {
  int repeats = 0;
  int options = 0;
};

Branches branches_of(std::string_view pattern) {
  Branches found;
  bool in_set = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '%' && i + 1 < pattern.size()) {
      ++i;
      const bool walks = pattern[i] == 'b' || (pattern[i] >= '0' && pattern[i] <= '9');
      found.repeats += walks && !in_set ? 1 : 0;
    } else if (c == '[' && !in_set) {
      in_set = true;
      i += i + 1 < pattern.size() && pattern[i + 1] == '^' ? 1 : 0;
      i += i + 1 < pattern.size() && pattern[i + 1] == ']' ? 1 : 0;
    } else if (c == ']') {
      in_set = false;
    } else if (!in_set && (c == '*' || c == '+' || c == '-')) {
      ++found.repeats;
    } else if (!in_set && c == '?') {
      ++found.options;
    }
  }
  return found;
}

void check_match(lua_State* lua) {
  std::size_t size = 0;
  const char* text = lua_tolstring(lua, 2, &size);
  if (text == nullptr) {
    return;  // the function itself says what it expected
  }
  const std::string_view pattern(text, size);
  const auto branches = branches_of(pattern);
  const double subject = static_cast<double>(length_of(lua, 1)) + 1;
  double steps = static_cast<double>(size) + 1;
  const int factors = branches.repeats + (pattern.starts_with('^') ? 0 : 1);
  for (int i = 0; i < factors && steps <= max_match_steps; ++i) {
    steps *= subject;
  }
  for (int i = 0; i < branches.options && steps <= max_match_steps; ++i) {
    steps *= 2;
  }
  if (steps > max_match_steps) {
    refuse(
        fmt::format("this pattern could take too long on {} bytes: it may try more than {:.0e} "
                    "times; use fewer repetitions, an anchor (^) or a shorter text",
                    length_of(lua, 1), max_match_steps));
  }
}

/// A list without a metatable and of bounded length: walking it in C cannot be made endless.
void check_list(lua_State* lua, int index) {
  if (lua_type(lua, index) != LUA_TTABLE) {
    return;
  }
  if (lua_getmetatable(lua, index) != 0) {
    refuse("table functions take plain lists, found a table with a metatable");
  }
  if (lua_rawlen(lua, index) > static_cast<lua_Unsigned>(max_list)) {
    refuse(fmt::format("table functions take lists of at most {} items", max_list));
  }
}

void check_range(lua_State* lua, int first, int last) {
  const auto from = luaL_optinteger(lua, first, 1);
  const auto to = luaL_optinteger(lua, last, 0);
  if (to > from && static_cast<lua_Unsigned>(to) - static_cast<lua_Unsigned>(from) >
                       static_cast<lua_Unsigned>(max_list)) {
    refuse(
        fmt::format("table functions walk at most {} items, found {} to {}", max_list, from, to));
  }
}

void check_first_list(lua_State* lua) {
  check_list(lua, 1);
}

void check_concat(lua_State* lua) {
  check_list(lua, 1);
  check_range(lua, 3, 4);
}

void check_move(lua_State* lua) {
  check_list(lua, 1);
  check_list(lua, 5);
  check_range(lua, 2, 3);
}

void check_sort(lua_State* lua) {
  check_list(lua, 1);
  if (lua_iscfunction(lua, 2) != 0) {
    refuse("table.sort takes a comparison written in Lua: function(a, b) return a < b end");
  }
}

/// A finalizer runs outside the instruction count.
void check_metatable(lua_State* lua) {
  if (lua_type(lua, 2) != LUA_TTABLE) {
    return;
  }
  lua_pushliteral(lua, "__gc");
  if (lua_rawget(lua, 2) != LUA_TNIL) {
    refuse("finalizers (__gc) are not available in scripts");
  }
  lua_pop(lua, 1);
}

/// The library's function in its own frame, so that its messages keep its name, after a check.
template <void (*check)(lua_State*)>
int checked(lua_State* lua) {
  check(lua);
  return lua_tocfunction(lua, lua_upvalueindex(1))(lua);
}

int protected_call(lua_State* lua) {
  luaL_checkany(lua, 1);
  const int status = lua_pcall(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0);
  Sandbox::of(lua).after_protected(lua, status);
  lua_pushboolean(lua, status == LUA_OK ? 1 : 0);
  lua_insert(lua, 1);
  return lua_gettop(lua);
}

/// Calls the handler after the error, not while it is raised: there hooks are off, so that an
/// endless handler would never be stopped.
int protected_call_with_handler(lua_State* lua) {
  luaL_checktype(lua, 2, LUA_TFUNCTION);
  lua_pushvalue(lua, 2);
  lua_insert(lua, 1);  // handler, function, handler, arguments
  lua_remove(lua, 3);
  const int status = lua_pcall(lua, lua_gettop(lua) - 2, LUA_MULTRET, 0);
  Sandbox::of(lua).after_protected(lua, status);
  if (status != LUA_OK) {
    lua_call(lua, 1, LUA_MULTRET);
    lua_pushboolean(lua, 0);
    lua_insert(lua, 1);
    return lua_gettop(lua);
  }
  lua_pushboolean(lua, 1);
  lua_replace(lua, 1);
  return lua_gettop(lua);
}

}  // namespace

int load_text(lua_State* lua) {
  std::size_t size = 0;
  const char* text = luaL_checklstring(lua, 1, &size);
  const bool has_environment = !lua_isnone(lua, 4);
  const int status = luaL_loadbufferx(lua, text, size, "=load", "t");
  if (status != LUA_OK) {
    Sandbox::of(lua).after_protected(lua, status);
    lua_pushnil(lua);
    lua_insert(lua, -2);
    return 2;
  }
  if (has_environment) {
    lua_pushvalue(lua, 4);
    lua_setupvalue(lua, -2, 1);
  }
  return 1;
}

namespace {

/// Replaces field `name` of the table on top by `function`, with the old value as its upvalue.
void wrap(lua_State* lua, const char* name, lua_CFunction function) {
  lua_getfield(lua, -1, name);
  lua_pushcclosure(lua, function, 1);
  lua_setfield(lua, -2, name);
}

template <std::size_t size>
void keep_only(lua_State* lua, const std::array<const char*, size>& names) {
  lua_newtable(lua);
  for (const char* name : names) {
    lua_getfield(lua, -2, name);
    lua_setfield(lua, -2, name);
  }
  lua_remove(lua, -2);
}

template <std::size_t size>
void open_module(lua_State* lua, const char* name, lua_CFunction open,
                 const std::array<const char*, size>& names) {
  luaL_requiref(lua, name, open, 0);
  keep_only(lua, names);
}

void open_base(lua_State* lua) {
  luaL_requiref(lua, LUA_GNAME, luaopen_base, 0);
  keep_only(lua, base_names);
  wrap(lua, "setmetatable", guarded<checked<check_metatable>>);
  wrap(lua, "pcall", guarded<protected_call>);
  wrap(lua, "xpcall", guarded<protected_call_with_handler>);
  wrap(lua, "load", guarded<load_text>);
  lua_pushvalue(lua, -1);
  lua_setfield(lua, -2, LUA_GNAME);
  lua_rawseti(lua, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}

void open_string(lua_State* lua) {
  open_module(lua, LUA_STRLIBNAME, luaopen_string, string_names);
  wrap(lua, "rep", guarded<checked<check_rep>>);
  for (const char* name : {"find", "match", "gmatch", "gsub"}) {
    wrap(lua, name, guarded<checked<check_match>>);
  }
  lua_pushliteral(lua, "");
  lua_getmetatable(lua, -1);
  lua_pushvalue(lua, -3);
  lua_setfield(lua, -2, "__index");
  lua_pushliteral(lua, "string");
  lua_setfield(lua, -2, "__metatable");
  lua_pop(lua, 2);
  lua_setglobal(lua, LUA_STRLIBNAME);
}

void open_table(lua_State* lua) {
  open_module(lua, LUA_TABLIBNAME, luaopen_table, table_names);
  wrap(lua, "concat", guarded<checked<check_concat>>);
  wrap(lua, "insert", guarded<checked<check_first_list>>);
  wrap(lua, "remove", guarded<checked<check_first_list>>);
  wrap(lua, "move", guarded<checked<check_move>>);
  wrap(lua, "sort", guarded<checked<check_sort>>);
  lua_setglobal(lua, LUA_TABLIBNAME);
}

}  // namespace

void open_library(lua_State* lua) {
  open_base(lua);
  open_string(lua);
  open_table(lua);
  open_module(lua, LUA_MATHLIBNAME, luaopen_math, math_names);
  lua_setglobal(lua, LUA_MATHLIBNAME);
}

std::vector<std::string> library_names() {
  std::vector<std::string> names(base_names.begin(), base_names.end());
  const auto add = [&names](const std::string& module, const auto& fields) {
    names.push_back(module);
    for (const char* field : fields) {
      names.push_back(module + "." + field);
    }
  };
  add("string", string_names);
  add("table", table_names);
  add("math", math_names);
  return names;
}

}  // namespace faultline::script
