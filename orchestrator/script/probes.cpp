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
  const bool of_database = probe.kind == "sql_writes" || probe.kind == "replica_lag";
  const std::string kind = of_database ? "database" : "cache";
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

/// What is judged needs windows of a known size.
void check_one_rate(const engine::Probe& probe) {
  constexpr double max_rate_per_s = 5'000;  // a sample is kept of each request
  if (probe.rate_per_s == 0 || probe.workers > 1) {
    refuse(fmt::format(
        "probe '{}': 'stages', 'users' and 'workers' are for load {{ ... }}; a probe of "
        "an experiment has one 'rate', so that the size of a window is known",
        probe.name));
  }
  if (probe.rate_per_s > max_rate_per_s) {
    refuse(fmt::format("probe '{}': 'rate' must be at most {} in an experiment, found {}",
                       probe.name, max_rate_per_s, probe.rate_per_s));
  }
}

}  // namespace

void read_probes(lua_State* lua, const Fields& fields, const engine::Environment& environment,
                 std::map<std::string, engine::Probe>& probes, Pacing pacing) {
  each_named(lua, fields, "probes", [&](const std::string& name, int index) {
    auto probe =
        to<engine::Probe>(lua, index, fmt::format("probe '{}'", name),
                          "http { ... }, redis_writes { ... }, redis { ... }, tcp { ... }, "
                          "sql_writes { ... } or replica_lag { ... }");
    probe.name = name;
    fill_in_times(probe, environment);
    check_store(probe, environment);
    if (pacing == Pacing::one_rate) {
      check_one_rate(probe);
    }
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
