#pragma once

#include "orchestrator/engine/experiment.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace faultline::engine {

/// A load and its measurement, run by one worker.
struct Probe {
  std::string name;
  std::string kind;  ///< http, redis_writes, redis, tcp: see orchestrator/load/worker.hpp
  Json args;         ///< by kind
  double rate_per_s = 0;
  Duration threshold{};         ///< slower is bad; the client's deadline unless said otherwise
  Duration deadline{};          ///< given up then
  std::string from = "client";  ///< the host it runs on
  std::string cache;            ///< the cache whose recovery it shows; empty when none
};

/// Limits of what may be broken at once. 0 and empty mean: no limit.
struct Guardrails {
  std::size_t zones_at_once = 0;
  std::size_t concurrent_faults = 0;
  double max_instances_percent = 0;  ///< of the instances of any one service
  Duration max_duration = std::chrono::minutes(5);
  std::set<std::string> protected_resources;
  std::set<std::string> needs_approval;  ///< reversibility classes
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
  Duration recovery_cap = std::chrono::seconds(60);  ///< recovery is observed this long
  std::map<std::string, Probe> probes;
  std::map<std::string, Expectation> objectives;  ///< `slo`: by name, phase steady state
  std::map<std::string, Duration> rto;            ///< by cache (or, later, database)
  std::map<std::string, std::uint64_t> rpo;  ///< acknowledged writes that may be lost, by cache
  Guardrails guardrails;
  std::string source;  ///< the file's text, comments and all
  std::string sha256;
};

}  // namespace faultline::engine
