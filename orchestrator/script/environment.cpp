#include "orchestrator/engine/environment.hpp"

#include "orchestrator/script/bindings.hpp"
#include "orchestrator/script/guardrails.hpp"
#include "orchestrator/script/plausible.hpp"
#include "orchestrator/script/probes.hpp"
#include "orchestrator/script/prometheus.hpp"
#include "orchestrator/script/script.hpp"
#include "orchestrator/script/shapes.hpp"
#include "orchestrator/script/value.hpp"

#include <fmt/format.h>

#include <array>

/// `environment { ... }`: what may be broken and observed, and what it promises.
namespace faultline::script {
namespace {

using engine::Environment;

constexpr double max_lost_writes = 1e9;  // more than any run writes

/// `caches` and `databases`: their names are one namespace, because promises name either.
void read_stores(lua_State* lua, const Fields& fields, const char* field, const std::string& kind,
                 Environment& environment) {
  each_named(lua, fields, field, [&](const std::string& name, int index) {
    const Fields store(lua, index, kind == "cache" ? cache_shape() : database_shape());
    if (!environment.stores.emplace(name, kind).second) {
      refuse(fmt::format("{} '{}': there is a cache or database of that name already", kind, name));
    }
    environment.rpo[name] = 0;
    store.with("rto", [&](int value, const std::string& what) {
      environment.rto[name] = to_duration(lua, value, what);
    });
    store.with("rpo", [&](int value, const std::string& what) {
      environment.rpo[name] =
          static_cast<std::uint64_t>(to_number(lua, value, what, 0, max_lost_writes));
    });
  });
}

void read_objectives(lua_State* lua, const Fields& fields, Environment& environment) {
  each_named(lua, fields, "slo", [&](const std::string& name, int index) {
    auto objective = to<engine::Expectation>(lua, index, fmt::format("slo '{}'", name),
                                             "an expectation such as good(\"login\", 99)");
    if (objective.sli == engine::Sli::recovery || objective.sli == engine::Sli::lost) {
      refuse(
          fmt::format("slo '{}': recovery and loss are promises about a fault; write them as "
                      "rto and rpo in caches and databases",
                      name));
    }
    if (objective.versus) {
      refuse(
          fmt::format("slo '{}': steady state is what a baseline is; write below = 500*ms, and "
                      "versus_baseline in run:expect",
                      name));
    }
    if (objective.sli == engine::Sli::alert) {
      refuse(
          fmt::format("slo '{}': that an alert fires is a promise about a fault; of steady state "
                      "write quiet \"{}\"",
                      name, objective.subject));
    }
    if (!engine::is_monitored(objective.sli)) {
      check_known(environment.probes, objective.subject, "probe");
    }
    if (!fields.has("baseline")) {  // as long as its claims take
      environment.baseline = std::max(
          environment.baseline, sized_window(objective, environment).value_or(Duration::zero()));
    }
    environment.objectives.emplace(name, std::move(objective));
  });
}

/// In the baseline; in other phases the run takes the window that there is.
void check_objectives(lua_State* lua, const Fields& fields, const Environment& environment) {
  each_named(lua, fields, "slo", [&](const std::string& name, int /*index*/) {
    auto objective = environment.objectives.at(name);
    objective.over = environment.baseline;
    if (engine::is_monitored(objective.sli)) {
      check_watched(objective, environment, fmt::format("slo '{}'", name));
    }
    check_expressible(objective, environment);
  });
}

void read_times(const Fields& fields, Environment& environment) {
  const std::array times{std::pair{"client_deadline", &environment.client_deadline},
                         std::pair{"baseline", &environment.baseline},
                         std::pair{"recovery_cap", &environment.recovery_cap}};
  fields.duration("warm_up", environment.warm_up);
  fields.duration("settle", environment.settle);
  for (const auto& [field, duration] : times) {
    fields.duration(field, *duration);
    fields.at(field, [&, name = field, value = *duration] {
      if (value <= Duration::zero()) {
        refuse(fmt::format("{}: expected a duration above 0, found {}", fields.name_of(name),
                           faultline::in_words(value)));
      }
    });
  }
}

}  // namespace

int make_environment(lua_State* lua) {
  if (script_of(lua).environment() != nullptr) {
    refuse("this is read as an experiment, found environment { ... }");
  }
  const Fields fields(lua, 1, environment_shape());
  Environment environment;
  fields.require("name", "\"lab\"");
  fields.text("name", environment.name);
  environment.target = environment.name;
  fields.text("target", environment.target);
  fields.flag("staging", environment.staging);
  fields.texts("zones", environment.zones);
  read_times(fields, environment);
  read_stores(lua, fields, "caches", "cache", environment);
  read_stores(lua, fields, "databases", "database", environment);
  read_prometheus(lua, fields, environment);
  fields.require("probes", "{ login = http { ... } }");
  read_probes(lua, fields, environment, environment.probes);
  read_objectives(lua, fields, environment);
  check_objectives(lua, fields, environment);
  fields.count("tenants", environment.tenants);
  read_guardrails(lua, fields, environment);
  push(lua, std::move(environment));
  return 1;
}

}  // namespace faultline::script
