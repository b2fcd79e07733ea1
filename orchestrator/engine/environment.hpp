#pragma once

#include "orchestrator/engine/experiment.hpp"
#include "orchestrator/engine/freeze.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace faultline::engine {

/// Limits of what may be broken, and when. 0 and empty mean: no limit.
struct Guardrails {
  std::size_t zones_at_once = 0;
  std::size_t concurrent_faults = 0;
  double max_instances_percent = 0;  ///< of the instances of any one service
  Duration max_duration = std::chrono::minutes(5);
  std::set<std::string> protected_resources;  ///< "zone c", "component a-db", "database orders"
  std::set<std::string> keep_quorum;          ///< stores: never more than half of the nodes are hit
  std::set<std::string> needs_approval;  ///< classes of reversibility; irreversible always does
  std::vector<Freeze> freeze;
  std::string file;  ///< where they are written, for refusals
};

/// A person's agreement to the faults of a run that need one.
struct Approval {
  std::string who, reason;
};

/// The Prometheus that watches the environment.
struct Prometheus {
  std::string url;                   ///< "http://127.0.0.1:9090"; empty: there is none
  std::vector<std::string> allowed;  ///< IP addresses that may be asked besides loopback
  /// Between two scrapes: a window is asked about that much after its end, and three of them
  /// without a sample are a gap.
  Duration scrape_interval = std::chrono::seconds(15);
};

/// What may be broken and observed, and what it promises. From a Lua file.
struct Environment {
  std::string name;      ///< "lab"
  std::string target;    ///< a TargetKind's name
  bool staging = false;  ///< without it nothing is injected
  std::vector<std::string> zones;
  Duration client_deadline = std::chrono::seconds(5);
  Duration warm_up = std::chrono::seconds(2);  ///< discarded at the start of the baseline
  Duration baseline = std::chrono::seconds(10);
  Duration settle{};  ///< after the reverts, before steady state is looked at again
  Duration recovery_cap = std::chrono::seconds(60);  ///< recovery is observed this long
  Prometheus prometheus;
  std::map<std::string, Probe> probes;
  std::map<std::string, Expectation> objectives;  ///< `slo`: by name, phase steady state
  /// Caches and databases: names, and which of the two they are.
  std::map<std::string, std::string> stores;
  std::map<std::string, Duration> rto;       ///< by store
  std::map<std::string, std::uint64_t> rpo;  ///< acknowledged writes that may be lost, by store
  Guardrails guardrails;
  std::size_t tenants = 0;  ///< that every service serves; 0: not said
  std::string source;       ///< the file's text, comments and all
  std::string sha256;
};

/// The environment with the probes that an experiment brings along.
inline Environment with_probes(Environment environment, const Experiment& experiment) {
  environment.probes.insert(experiment.probes.begin(), experiment.probes.end());
  return environment;
}

}  // namespace faultline::engine
