#include "orchestrator/script/bindings.hpp"

#include "orchestrator/script/sandbox.hpp"
#include "orchestrator/script/value.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace faultline::script {
namespace {

constexpr const char* run_method_table = "faultline.run";  // registry

/// What a table has no field for is an error that names the nearest. Upvalues: the table and what
/// it is called.
int misspelt(lua_State* lua) {
  lua_pushvalue(lua, 2);
  if (lua_rawget(lua, lua_upvalueindex(1)) != LUA_TNIL) {
    return 1;
  }
  std::vector<std::string> names;
  each(lua, lua_upvalueindex(1), [&](int key, int /*value*/) {
    if (lua_type(lua, key) == LUA_TSTRING) {
      names.emplace_back(lua_tostring(lua, key));
    }
  });
  std::sort(names.begin(), names.end());
  const std::string wanted = lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2) : "";
  refuse(fmt::format("{} {}{}", lua_tostring(lua, lua_upvalueindex(2)), found(lua, 2),
                     suggestion(wanted, names)));
}

/// Sets __index of the metatable below the table on top, and pops that table.
void set_strict_index(lua_State* lua, const char* what) {
  lua_pushstring(lua, what);
  lua_pushcclosure(lua, guarded<misspelt>, 2);
  lua_setfield(lua, -2, "__index");
}

void set_all(lua_State* lua, std::span<const Binding> bindings) {
  for (const auto& binding : bindings) {
    lua_pushcfunction(lua, binding.function);
    lua_setfield(lua, -2, binding.name);
  }
}

template <class... Types>
void define_plain(lua_State* lua) {
  ((define_type<Types>(lua), lua_pop(lua, 1)), ...);
}

}  // namespace

std::span<const Binding> functions() {
  static constexpr std::array bindings{
      Binding{"experiment", guarded<make_experiment>},
      Binding{"one_of", guarded<make_choice>},
      Binding{"replicas", guarded<make_replicas>},
      Binding{"use", guarded<use_file>},
      Binding{"good", guarded<expect_good>},
      Binding{"served", guarded<expect_served>},
      Binding{"latency", guarded<expect_latency>},
      Binding{"bad", guarded<expect_bad>},
      Binding{"bad_seconds", guarded<expect_bad_seconds>},
      Binding{"throughput", guarded<expect_throughput>},
      Binding{"burn", guarded<expect_burn>},
      Binding{"metric", guarded<expect_metric>},
      Binding{"alert", guarded<expect_alert>},
      Binding{"quiet", guarded<expect_quiet>},
      Binding{"recovered", guarded<expect_recovered>},
      Binding{"lost", guarded<expect_lost>},
      Binding{"rto", guarded<look_up_rto>},
      Binding{"zone_of", guarded<select_zone_of>},
      Binding{"instances", guarded<select_instances>},
      Binding{"environment", guarded<make_environment>},
      Binding{"load", guarded<make_load>},
      Binding{"http", guarded<make_http>},
      Binding{"csv", guarded<read_csv>},
      Binding{"redis_writes", guarded<make_redis_writes>},
      Binding{"redis", guarded<make_redis>},
      Binding{"tcp", guarded<make_tcp>},
      Binding{"sql_writes", guarded<make_sql_writes>},
      Binding{"replica_lag", guarded<make_replica_lag>},
      Binding{"print", guarded<print>},
  };
  return bindings;
}

std::span<const Binding> run_methods() {
  static constexpr std::array bindings{
      Binding{"baseline", guarded<run_baseline>}, Binding{"inject", guarded<run_inject>},
      Binding{"wait", guarded<run_wait>},         Binding{"expect", guarded<run_expect>},
      Binding{"log", guarded<run_log>},           Binding{"stop_when", guarded<run_stop_when>},
      Binding{"declare", guarded<run_declare>},
  };
  return bindings;
}

std::span<const Binding> fault_methods() {
  static constexpr std::array bindings{Binding{"revert", guarded<fault_revert>}};
  return bindings;
}

void open_bindings(lua_State* lua) {
  define_plain<Choice, engine::FaultRequest, engine::Expectation, engine::StopCondition,
               engine::Requirement, engine::Probe, Names, Definition, engine::Environment, CsvRows,
               Load>(lua);
  open_units(lua);
  open_fault(lua);
  open_slo(lua);

  define_type<RunHandle>(lua);
  lua_newtable(lua);
  set_all(lua, run_methods());
  lua_pushvalue(lua, -1);
  lua_setfield(lua, LUA_REGISTRYINDEX, run_method_table);
  set_strict_index(lua, "run has no method");
  lua_pop(lua, 1);

  define_type<FaultHandle>(lua);
  lua_newtable(lua);
  set_all(lua, fault_methods());
  set_strict_index(lua, "a fault in force has no method");
  lua_pop(lua, 1);

  lua_pushglobaltable(lua);
  set_all(lua, functions());
  lua_pop(lua, 1);
}

void push_run_methods(lua_State* lua) {
  lua_getfield(lua, LUA_REGISTRYINDEX, run_method_table);
}

void close_globals(lua_State* lua) {
  lua_pushglobaltable(lua);
  lua_newtable(lua);
  lua_pushglobaltable(lua);
  set_strict_index(lua, "unknown name");
  lua_pushliteral(lua, "globals");
  lua_setfield(lua, -2, "__metatable");
  lua_setmetatable(lua, -2);
  lua_pop(lua, 1);
}

void make_strict(lua_State* lua, const char* what) {
  lua_newtable(lua);
  lua_pushvalue(lua, -2);
  set_strict_index(lua, what);
  lua_setmetatable(lua, -2);
}

void push_params(lua_State* lua, const engine::Json& params) {
  lua_newtable(lua);
  for (const auto& [name, value] : params.items()) {
    push_json(lua, value);
    lua_setfield(lua, -2, name.c_str());
  }
  make_strict(lua, "the experiment has no parameter");
}

std::vector<std::string> language_names() {
  std::vector<std::string> names{"fault", "slo",    "slo.import", "ms",
                                 "s",     "minute", "hour",       "run:during"};
  for (const auto& binding : functions()) {
    names.emplace_back(binding.name);
  }
  for (const auto& binding : run_methods()) {
    names.push_back(std::string("run:") + binding.name);
  }
  for (const auto& binding : fault_methods()) {
    names.push_back(std::string("fault:") + binding.name);
  }
  return names;
}

}  // namespace faultline::script
