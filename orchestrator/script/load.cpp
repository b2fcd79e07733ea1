#include "orchestrator/script/bindings.hpp"
#include "orchestrator/script/probes.hpp"
#include "orchestrator/script/script.hpp"
#include "orchestrator/script/shapes.hpp"
#include "orchestrator/script/value.hpp"

#include <fmt/format.h>

/// `load { ... }`: a load by itself, for `faultline load`.
namespace faultline::script {
namespace {

constexpr Duration longest = std::chrono::hours(24);  // a load is bounded in time

void check_stages(const engine::Probe& probe, Duration duration) {
  double ms = 0;
  if (probe.pacing.contains("stages")) {
    for (const auto& stage : probe.pacing["stages"]) {
      ms += stage["length_ms"].get<double>();
    }
  }
  if (ms > to_ms(duration)) {
    refuse(
        fmt::format("load: the stages of '{}' take {:g} s, and the load ends after {}; make "
                    "'duration' longer",
                    probe.name, ms / 1000, faultline::in_words(duration)));
  }
}

}  // namespace

int make_load(lua_State* lua) {
  if (lua_type(lua, 1) != LUA_TTABLE) {
    return load_text(lua);  // Lua's own function of that name
  }
  const auto* environment = script_of(lua).environment();
  if (environment == nullptr) {
    refuse("this is read as an environment, found load { ... }");
  }
  const Fields fields(lua, 1, load_shape());
  Load plan;
  fields.require("duration", "10*s");
  fields.duration("duration", plan.duration);
  fields.at("duration", [&] {
    if (plan.duration <= Duration::zero() || plan.duration > longest) {
      refuse(fmt::format("load: 'duration' must be above 0 and at most {}, found {}",
                         faultline::in_words(longest), faultline::in_words(plan.duration)));
    }
  });
  fields.require("probes", "{ web = http { ... } }");
  read_probes(lua, fields, *environment, plan.probes, Pacing::any);
  if (plan.probes.empty()) {
    fields.at("probes", [] { refuse("load: 'probes' must have at least one"); });
  }
  fields.at("duration", [&] {
    for (const auto& [name, probe] : plan.probes) {
      check_stages(probe, plan.duration);
    }
  });
  push(lua, std::move(plan));
  return 1;
}

}  // namespace faultline::script
