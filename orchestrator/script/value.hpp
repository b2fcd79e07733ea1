#pragma once

#include "orchestrator/engine/environment.hpp"
#include "orchestrator/engine/experiment.hpp"
#include "orchestrator/script/loader.hpp"
#include "orchestrator/script/sandbox.hpp"

#include <new>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

/// Values of the language between Lua and C++. Whatever is wrong with one is thrown as Failure
/// `usage` that says what was expected and what was found.
namespace faultline::script {

using engine::Json;

[[noreturn]] void refuse(std::string message);

/// How a type is called in messages; a metatable of this name holds its methods.
template <class T>
struct TypeName;

struct Choice {
  std::vector<Json> values;
};
/// A fault in force, for `:revert()`. `call` tells the runs of one script apart.
struct FaultHandle {
  engine::FaultId id;
  int call = 0;
};
struct Names {
  std::vector<std::string> names;
};
struct RunHandle {};
/// {"columns": [...], "rows": [[...]]}
struct CsvRows {
  Json rows;
};
/// What `experiment` returns: the experiment, the limits of its parameters, and its method.
struct Definition {
  engine::Experiment experiment;
  std::vector<std::pair<std::string, Choice>> choices;  ///< of its params
  int method = LUA_NOREF;                               ///< in the registry
};

template <>
struct TypeName<Duration> {
  static constexpr const char* value = "duration";
};
template <>
struct TypeName<Choice> {
  static constexpr const char* value = "one_of{...}";
};
template <>
struct TypeName<engine::FaultRequest> {
  static constexpr const char* value = "fault";
};
template <>
struct TypeName<FaultHandle> {
  static constexpr const char* value = "fault in force";
};
template <>
struct TypeName<engine::Expectation> {
  static constexpr const char* value = "expectation";
};
template <>
struct TypeName<engine::StopCondition> {
  static constexpr const char* value = "stop condition";
};
template <>
struct TypeName<engine::Requirement> {
  static constexpr const char* value = "requirement";
};
template <>
struct TypeName<engine::Probe> {
  static constexpr const char* value = "probe";
};
template <>
struct TypeName<Names> {
  static constexpr const char* value = "slo{...}";
};
template <>
struct TypeName<RunHandle> {
  static constexpr const char* value = "run";
};
template <>
struct TypeName<Definition> {
  static constexpr const char* value = "experiment";
};
template <>
struct TypeName<CsvRows> {
  static constexpr const char* value = "csv";
};
template <>
struct TypeName<Load> {
  static constexpr const char* value = "load";
};
template <>
struct TypeName<engine::Environment> {
  static constexpr const char* value = "environment";
};

/// Pushes a copy as userdata; its metatable must have been made by `define_type`.
template <class T>
T& push(lua_State* lua, T value) {
  void* memory = lua_newuserdatauv(lua, sizeof(T), 0);
  T* placed = new (memory) T(std::move(value));
  luaL_setmetatable(lua, TypeName<T>::value);
  return *placed;
}

/// nullptr when the value is of another type.
template <class T>
T* test(lua_State* lua, int index) {
  return static_cast<T*>(luaL_testudata(lua, index, TypeName<T>::value));
}

/// Makes the metatable of T and leaves it on the stack.
template <class T>
void define_type(lua_State* lua) {
  luaL_newmetatable(lua, TypeName<T>::value);
  lua_pushcfunction(lua, [](lua_State* state) {
    static_cast<T*>(lua_touserdata(state, 1))->~T();
    return 0;
  });
  lua_setfield(lua, -2, "__gc");
  lua_pushstring(lua, TypeName<T>::value);
  lua_setfield(lua, -2, "__metatable");  // scripts cannot reach the methods above
}

/// "20", "'abc'", "a duration of 20 s", "a table": for "found ..." in messages.
std::string found(lua_State* lua, int index);

/// Each takes the value at `index` and `what` it is for, as in "'within' of run:expect".
Duration to_duration(lua_State* lua, int index, std::string_view what);
double to_number(lua_State* lua, int index, std::string_view what, double min, double max);
/// A number without a fraction.
double to_whole(lua_State* lua, int index, std::string_view what, double min, double max);
/// From 1 on: a share such as 0.97 is refused, because 97 was meant.
double to_percent(lua_State* lua, int index, std::string_view what);
std::string to_text(lua_State* lua, int index, std::string_view what);
bool to_bool(lua_State* lua, int index, std::string_view what);
std::vector<std::string> to_texts(lua_State* lua, int index, std::string_view what);
template <class T>
T& to(lua_State* lua, int index, std::string_view what, std::string_view example);

/// Text, numbers, booleans, durations ({"ms": n}), lists and tables of them.
Json to_json(lua_State* lua, int index, std::string_view what);
void push_json(lua_State* lua, const Json& value);
bool is_duration(const Json& value);
Json to_json(Duration duration);

/// Calls `visit(index of key, index of value)` for each entry, in no particular order.
template <class Visit>
void each(lua_State* lua, int table, Visit visit) {
  table = lua_absindex(lua, table);
  lua_pushnil(lua);
  while (lua_next(lua, table) != 0) {
    visit(lua_absindex(lua, -2), lua_absindex(lua, -1));
    lua_pop(lua, 1);
  }
}

/// The fields that a table of the language may have: "experiment" and "name", "title", ...
struct Shape {
  std::string name;
  std::vector<std::string> fields;
};

/// Reads a table with named fields. Unknown fields are refused with the nearest name, and errors
/// carry the line of the field rather than that of the table.
class Fields {
 public:
  /// `within`: the field of another table that this one stands in; its own are looked for below.
  Fields(lua_State* lua, int index, const Shape& shape, std::string_view within = {});

  [[nodiscard]] bool has(const char* field) const;
  /// Calls `read(index, what)` with the field's value, if it is there.
  template <class Read>
  bool with(const char* field, Read read) const {
    if (!has(field)) {
      return false;
    }
    push_field(field);
    at(field, [&] { read(lua_absindex(lua_, -1), name_of(field)); });
    lua_pop(lua_, 1);
    return true;
  }
  void require(const char* field, std::string_view example) const;
  void text(const char* field, std::string& out) const;
  void texts(const char* field, std::vector<std::string>& out) const;
  void duration(const char* field, Duration& out) const;
  void flag(const char* field, bool& out) const;
  void number(const char* field, double& out, double min, double max) const;
  void count(const char* field, std::size_t& out) const;
  /// Runs `body`; a Failure from it is given the field's place.
  template <class Body>
  void at(std::string_view field, Body body) const {
    std::optional<Error> error;
    try {
      body();
    } catch (const Failure& failure) {
      error = failure.error();
    }
    if (error) {
      throw_at(field, std::move(*error));
    }
  }
  [[nodiscard]] std::string name_of(std::string_view field) const;

 private:
  void push_field(const char* field) const;
  [[noreturn]] void throw_at(std::string_view field, Error error) const;

  lua_State* lua_;
  int index_;
  const Shape& shape_;
  std::string_view within_;
};

template <class T>
T& to(lua_State* lua, int index, std::string_view what, std::string_view example) {
  if (T* value = test<T>(lua, index)) {
    return *value;
  }
  refuse(std::string(what) + " must be " + std::string(example) + ", found " + found(lua, index));
}

}  // namespace faultline::script
