#include "orchestrator/script/probes.hpp"

namespace faultline::script {
namespace {

constexpr std::size_t max_probes = 32;  // worker processes on one machine

void fill_in_times(engine::Probe& probe, const engine::Environment& environment) {
  if (probe.deadline == Duration::zero()) {
    probe.deadline = environment.client_deadline;
  }
  if (probe.threshold == Duration::zero()) {
    probe.threshold = probe.deadline;
  }
  if (probe.deadline < probe.threshold || probe.threshold < Duration::zero()) {
    refuse(fmt::format(
        "probe '{}': 'within' must be above 0 and at most the deadline of {}, "
        "found {}",
        probe.name, faultline::in_words(probe.deadline), faultline::in_words(probe.threshold)));
  }
}

void check_store(const engine::Probe& probe, const engine::Environment& environment) {
  const std::string kind = probe.kind == "sql_writes" ? "database" : "cache";
  std::map<std::string, std::string> known;
  for (const auto& store : environment.stores) {
    if (store.second == kind) {
      known.insert(store);
    }
  }
  if (!probe.store.empty() && !known.contains(probe.store)) {
    refuse(fmt::format("probe '{}': unknown {} '{}'{}", probe.name, kind, probe.store,
                       suggestion(probe.store, names_of(known))));
  }
}

}  // namespace

void read_probes(lua_State* lua, const Fields& fields, const engine::Environment& environment,
                 std::map<std::string, engine::Probe>& probes) {
  each_named(lua, fields, "probes", [&](const std::string& name, int index) {
    auto probe = to<engine::Probe>(lua, index, fmt::format("probe '{}'", name),
                                   "http { ... }, redis_writes { ... }, redis { ... }, tcp { ... } "
                                   "or sql_writes { ... }");
    probe.name = name;
    fill_in_times(probe, environment);
    check_store(probe, environment);
    if (&probes != &environment.probes && environment.probes.contains(name)) {
      refuse(fmt::format("probe '{}': the environment has one of that name; choose another", name));
    }
    if (environment.probes.size() + probes.size() >= max_probes) {
      refuse(fmt::format("an environment has at most {} probes", max_probes));
    }
    probes.emplace(name, std::move(probe));
  });
}

}  // namespace faultline::script
