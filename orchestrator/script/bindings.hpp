#pragma once

#include "orchestrator/engine/experiment.hpp"

#include <lua.hpp>

#include <span>
#include <string>
#include <vector>

/// What scripts may call. Each function is documented in scripts/lua/api.lua, and a test compares.
namespace faultline::script {

struct Binding {
  const char* name;
  lua_CFunction function;
};

/// Globals that are functions.
std::span<const Binding> functions();
/// Methods of `run`, without those of the prelude, and of a fault in force.
std::span<const Binding> run_methods();
std::span<const Binding> fault_methods();

/// Defines the types and sets the globals.
void open_bindings(lua_State* lua);
/// Pushes the table of run's methods, for the prelude to add to.
void push_run_methods(lua_State* lua);
/// Makes a misspelt global an error with the nearest name. Called when all are set.
void close_globals(lua_State* lua);
/// Makes a field that the table on top has not an error, `what` it is called and the nearest name.
void make_strict(lua_State* lua, const char* what);
/// Pushes the values of an experiment's parameters; a misspelt one is an error.
void push_params(lua_State* lua, const engine::Json& params);

/// The language's own names: "good", "ms", "run:baseline", "fault:revert".
std::vector<std::string> language_names();

// units.cpp
void open_units(lua_State* lua);
// request.cpp
void open_fault(lua_State* lua);
// experiment.cpp
int make_experiment(lua_State* lua);
int make_choice(lua_State* lua);
int make_replicas(lua_State* lua);
int choose_objectives(lua_State* lua);
int use_file(lua_State* lua);
// expectation.cpp
int expect_good(lua_State* lua);
int expect_served(lua_State* lua);
int expect_latency(lua_State* lua);
int expect_bad(lua_State* lua);
int expect_bad_seconds(lua_State* lua);
int expect_throughput(lua_State* lua);
int expect_burn(lua_State* lua);
int expect_recovered(lua_State* lua);
int expect_lost(lua_State* lua);
int look_up_rto(lua_State* lua);
// monitored.cpp
int expect_metric(lua_State* lua);
int expect_alert(lua_State* lua);
int expect_quiet(lua_State* lua);
// slo_import.cpp
void open_slo(lua_State* lua);
// selector.cpp
int select_zone_of(lua_State* lua);
int select_instances(lua_State* lua);
// load.cpp
int make_load(lua_State* lua);
// environment.cpp, probe.cpp, probe_http.cpp and csv.cpp
int make_environment(lua_State* lua);
int make_http(lua_State* lua);
int read_csv(lua_State* lua);
int make_redis_writes(lua_State* lua);
int make_redis(lua_State* lua);
int make_tcp(lua_State* lua);
int make_sql_writes(lua_State* lua);
int make_replica_lag(lua_State* lua);
// run.cpp
int run_baseline(lua_State* lua);
int run_inject(lua_State* lua);
int run_wait(lua_State* lua);
int run_expect(lua_State* lua);
int run_stop_when(lua_State* lua);
int run_declare(lua_State* lua);
int run_log(lua_State* lua);
int fault_revert(lua_State* lua);
int print(lua_State* lua);

}  // namespace faultline::script
