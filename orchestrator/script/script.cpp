#include "orchestrator/script/script.hpp"

#include "orchestrator/script/bindings.hpp"
#include "orchestrator/script/value.hpp"

#include <fmt/format.h>

namespace faultline {
std::string_view embedded_script(std::string_view path);
}

namespace faultline::script {
namespace {

constexpr const char* used_files = "faultline.used";  // registry: name -> value

}  // namespace

Script::Script(std::optional<engine::Environment> environment, const Limits& limits)
    : environment_(std::move(environment)), sandbox_(limits) {
  sandbox_.script = this;
  sandbox_.protect([this](lua_State* lua) {
    open_library(lua);
    open_bindings(lua);
    lua_newtable(lua);
    lua_setfield(lua, LUA_REGISTRYINDEX, used_files);
    sandbox_.compile(embedded_script("scripts/lua/prelude.lua"), std::string(prelude_name));
    push_run_methods(lua);
    lua_call(lua, 1, 0);
    close_globals(lua);
  });
}

void Script::run(const Sources::File& file, const std::function<void(lua_State*)>& take) {
  sandbox_.protect([&](lua_State* lua) {
    sandbox_.compile(file.text, "@" + file.name);
    lua_call(lua, 0, 1);
    take(lua);
  });
}

void Script::use(const std::string& name) {
  lua_State* lua = sandbox_.lua();
  if (running()) {
    refuse("use belongs to the top of a script, outside of its method");
  }
  lua_getfield(lua, LUA_REGISTRYINDEX, used_files);
  if (lua_getfield(lua, -1, name.c_str()) == LUA_TBOOLEAN) {
    refuse(fmt::format("use \"{}\" goes in a circle", name));
  }
  if (!lua_isnil(lua, -1)) {
    return;
  }
  lua_pop(lua, 1);
  lua_pushboolean(lua, 0);  // being loaded
  lua_setfield(lua, -2, name.c_str());
  const auto file = sources_.use(name);
  sandbox_.compile(file.text, "@" + file.name);
  lua_call(lua, 0, 1);  // in the caller's protection: an error keeps its place and kind
  if (lua_isnil(lua, -1)) {
    refuse(fmt::format("{} returns nothing; end it with: return {{ ... }}", name));
  }
  lua_pushvalue(lua, -1);
  lua_setfield(lua, -3, name.c_str());
}

engine::Stage& Script::stage(std::string_view what) {
  if (stage_ == nullptr) {
    refuse(fmt::format("{} works only inside of the method, while it runs", what));
  }
  return *stage_;
}

void Script::run_method(int reference, const engine::Json& params, engine::Stage& stage) {
  struct Running {
    Script& script;
    ~Running() { script.stage_ = nullptr; }
  };
  stage_ = &stage;
  ++calls_;
  const Running running_now{*this};
  sandbox_.refill();
  sandbox_.protect([&](lua_State* lua) {
    lua_rawgeti(lua, LUA_REGISTRYINDEX, reference);
    push(lua, RunHandle{});
    push_params(lua, params);
    lua_call(lua, 2, 0);
  });
}

}  // namespace faultline::script
