#include "faults/catalog.hpp"
#include "orchestrator/script/bindings.hpp"
#include "orchestrator/script/value.hpp"

/// `fault.<name> { ... }`: a request, not yet checked against a world.
namespace faultline::script {
namespace {

/// Upvalue: the fault's name.
int make_request(lua_State* lua) {
  const auto* kind = faults::find(lua_tostring(lua, lua_upvalueindex(1))).value();
  engine::FaultRequest request{kind->name, Json::object(), place_of(lua)};
  if (!lua_isnoneornil(lua, 1)) {
    Shape shape{"fault." + kind->name, {}};
    for (const auto& param : kind->params) {
      shape.fields.push_back(param.name);
    }
    const Fields fields(lua, 1, shape);
    for (const auto& param : kind->params) {
      fields.with(param.name.c_str(), [&](int index, const std::string& what) {
        request.params[param.name] = to_json(lua, index, what);
      });
    }
  }
  push(lua, std::move(request));
  return 1;
}

int find_fault(lua_State* lua) {
  const auto name = to_text(lua, 2, "fault.<name>");
  const auto* kind = faults::find(name).value();
  lua_pushlstring(lua, kind->name.data(), kind->name.size());
  lua_pushcclosure(lua, guarded<make_request>, 1);
  return 1;
}

}  // namespace

void open_fault(lua_State* lua) {
  lua_newtable(lua);
  lua_newtable(lua);
  lua_pushcfunction(lua, guarded<find_fault>);
  lua_setfield(lua, -2, "__index");
  lua_pushliteral(lua, "faults");
  lua_setfield(lua, -2, "__metatable");
  lua_setmetatable(lua, -2);
  lua_setglobal(lua, "fault");
}

}  // namespace faultline::script
