#include "orchestrator/script/bindings.hpp"
#include "orchestrator/script/params.hpp"
#include "orchestrator/script/probes.hpp"
#include "orchestrator/script/script.hpp"
#include "orchestrator/script/shapes.hpp"
#include "orchestrator/script/value.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>

/// `experiment { ... }` and what stands inside of it.
namespace faultline::script {
namespace {

constexpr std::size_t max_choices = 32;   // values of one parameter: a person still reads them
constexpr std::size_t max_variants = 64;  // runs that one script can stand for
constexpr double max_replicas = 100;      // of one store: more than any has

void read_params(lua_State* lua, const Fields& fields, Definition& definition) {
  fields.with("params", [&](int index, const std::string& what) {
    if (lua_type(lua, index) != LUA_TTABLE) {
      refuse(fmt::format("{}: expected a table of names and defaults, found {}", what,
                         found(lua, index)));
    }
    each(lua, index, [&](int key, int value) {
      const auto name = lua_type(lua, key) == LUA_TSTRING ? to_text(lua, key, what) : "";
      if (!is_identifier(name)) {
        refuse(
            fmt::format("{}: expected names of a-z, 0-9 and _, found {}", what, found(lua, key)));
      }
      if (const auto* choice = test<Choice>(lua, value)) {
        definition.choices.emplace_back(name, *choice);
        definition.experiment.params[name] = choice->values.front();
      } else {
        definition.experiment.params[name] = to_json(lua, value, what);
      }
    });
  });
}

void read_variants(lua_State* lua, const Fields& fields, Definition& definition) {
  fields.with("variants", [&](int index, const std::string& what) {
    const Json variants = to_json(lua, index, what);
    if (!variants.is_array() || variants.size() > max_variants) {
      refuse(fmt::format("{}: expected a list of at most {} tables", what, max_variants));
    }
    for (const auto& variant : variants) {
      const auto number = fmt::format("variant {}", definition.experiment.variants.size() + 1);
      if (!variant.is_object()) {
        refuse(fmt::format("{}: expected a table such as {{ mode = \"crash\" }}", number));
      }
      for (const auto& [name, value] : variant.items()) {
        check_param(definition, name, value, number);
      }
      definition.experiment.variants.push_back(variant);
    }
  });
}

void read_requirements(lua_State* lua, const Fields& fields, engine::Experiment& experiment) {
  fields.with("requires", [&](int index, const std::string& what) {
    if (lua_type(lua, index) != LUA_TTABLE) {
      refuse(fmt::format("{}: expected a list such as {{ replicas(\"sessions\", 1) }}, found {}",
                         what, found(lua, index)));
    }
    for (lua_Integer i = 1; i <= static_cast<lua_Integer>(lua_rawlen(lua, index)); ++i) {
      lua_rawgeti(lua, index, i);
      experiment.requirements.push_back(to<engine::Requirement>(
          lua, -1, what + ": each entry", "a requirement such as replicas(\"sessions\", 1)"));
      lua_pop(lua, 1);
    }
  });
}

void read_texts(const Fields& fields, engine::Experiment& experiment) {
  fields.require("name", "\"redis_failover\"");
  fields.text("name", experiment.name);
  fields.at("name", [&] {
    if (!is_identifier(experiment.name)) {
      refuse(
          fmt::format("experiment: 'name' must be of a-z, 0-9 and _, and start with a letter, "
                      "found '{}'",
                      experiment.name));
    }
  });
  fields.require("hypothesis", "\"what should stay true while it breaks\"");
  fields.text("hypothesis", experiment.hypothesis);
  experiment.title = experiment.name;
  fields.text("title", experiment.title);
  fields.text("owner", experiment.owner);
  fields.text("runbook", experiment.runbook);
  fields.texts("tags", experiment.tags);
}

}  // namespace

int make_experiment(lua_State* lua) {
  if (script_of(lua).environment() == nullptr) {
    refuse("this is read as an environment, found experiment { ... }");
  }
  const Fields fields(lua, 1, experiment_shape());
  Definition definition;
  read_texts(fields, definition.experiment);
  read_params(lua, fields, definition);
  read_variants(lua, fields, definition);
  read_requirements(lua, fields, definition.experiment);
  auto& script = script_of(lua);
  read_probes(lua, fields, *script.environment(), definition.experiment.probes);
  script.add_probes(definition.experiment.probes);
  fields.with("steady_state", [&](int index, const std::string& what) {
    definition.experiment.steady_state = to<Names>(lua, index, what, "slo { \"login\" }").names;
  });
  fields.require("method", "function(run, p) ... end");
  fields.with("method", [&](int index, const std::string& what) {
    if (lua_type(lua, index) != LUA_TFUNCTION) {
      refuse(
          fmt::format("{} must be a function(run, p) ... end, found {}", what, found(lua, index)));
    }
    lua_pushvalue(lua, index);
    definition.method = luaL_ref(lua, LUA_REGISTRYINDEX);
  });
  push(lua, std::move(definition));
  return 1;
}

int make_choice(lua_State* lua) {
  const Json values = to_json(lua, 1, "one_of");
  if (!values.is_array() || values.empty() || values.size() > max_choices) {
    refuse(
        fmt::format("one_of takes a list of 1 to {} values: one_of {{ \"crash\", \"hang\" }}; "
                    "the first is the default",
                    max_choices));
  }
  push(lua, Choice{values.get<std::vector<Json>>()});
  return 1;
}

int make_replicas(lua_State* lua) {
  engine::Requirement requirement{"replicas", to_text(lua, 1, "replicas: the cache or database"),
                                  to_number(lua, 2, "replicas: at least so many", 0, max_replicas),
                                  place_of(lua)};
  if (const auto* environment = script_of(lua).environment()) {
    check_known(environment->stores, requirement.subject, "cache or database");
  }
  push(lua, std::move(requirement));
  return 1;
}

int choose_objectives(lua_State* lua) {
  Names objectives{to_texts(lua, 1, "slo")};
  const auto* environment = script_of(lua).environment();
  if (environment == nullptr) {
    refuse(
        "slo { ... } names an environment's objectives; inside of one write slo = { ... } or slo = "
        "slo.import(\"slo.yaml\")");
  }
  for (const auto& name : objectives.names) {
    check_known(environment->objectives, name, "objective");
  }
  push(lua, std::move(objectives));
  return 1;
}

int use_file(lua_State* lua) {
  script_of(lua).use(to_text(lua, 1, "use"));
  return 1;
}

}  // namespace faultline::script
