#include "targets/lab/supervisor_action_kinds.hpp"

#include "targets/lab/supervisor_rules.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace faultline::lab {
namespace {

using targets::Action;
using targets::Json;
using Done = targets::Done<void>;

constexpr int max_ms = 3'600'000;   // an hour, for every time of an action
constexpr int max_flows = 200'000;  // conntrack's table has room for 262,144

std::string text(const Json& args, const char* key) {
  return args.at(key).get<std::string>();
}

std::string text(const Action& action, const char* key) {
  return text(action.args, key);
}

/// The first error of several checks.
Result<> all_of(std::initializer_list<Result<>> checks) {
  const auto wrong = std::ranges::find_if(checks, [](const Result<>& r) { return !r; });
  return wrong == checks.end() ? Result<>{} : *wrong;
}

Result<> known(std::string_view what, const std::string& name,
               const std::vector<std::string>& all) {
  if (std::ranges::find(all, name) != all.end()) {
    return {};
  }
  return Error{ErrorKind::not_found,
               fmt::format("the lab has no {} '{}'{}", what, name, suggestion(name, all))};
}

Result<> within(const Json& args, const char* key, double min, double max) {
  const auto value = args.at(key).get<double>();
  if (value >= min && value <= max) {
    return {};
  }
  return Error{ErrorKind::usage, fmt::format("{} is {} to {}, found {}", key, min, max, value)};
}

/// Of an argument that not every mode has.
Result<> within_if_given(const Json& args, const char* key, double min, double max) {
  return args.contains(key) ? within(args, key, min, max) : Result<>{};
}

std::vector<std::string> names(const auto& things) {
  std::vector<std::string> out;
  for (const auto& thing : things) {
    out.push_back(thing.name);
  }
  return out;
}

std::vector<std::string> names_with(const Topology& topology, std::string_view label) {
  std::vector<std::string> out;
  for (const auto& process : topology.processes) {
    if (process.labels.contains(std::string(label))) {
      out.push_back(process.labels.at(std::string(label)));
    }
  }
  return out;
}

Result<> zone(const Json& args, const Topology& topology) {
  return known("zone", text(args, "zone"), topology.zones);
}

Result<> component(const Json& args, const Topology& topology) {
  return known("component", text(args, "component"), names(topology.processes));
}

void nothing_to_undo(const ActionParts& /*lab*/, const Action& /*action*/, Done done) {
  done(Result<>{});  // a moved role comes home by bring_home
}

const ActionKind network_cut{
    "network.cut",
    [](const Json& args, const Topology& t) {
      return all_of({zone(args, t),
                     known("direction", text(args, "direction"), {"full", "inbound", "outbound"})});
    },
    [](const ActionParts& lab, const Action& a, Done done) {
      lab.rules.add("core", a.id, cut_rules(a.id, text(a, "zone"), text(a, "direction")),
                    std::move(done));
    },
    [](const ActionParts& lab, const Action& a, Done done) {
      lab.rules.remove("core", a.id, std::move(done));
    },
    ActionKind::Order::at_once};

const ActionKind network_loss{
    "network.loss",
    [](const Json& args, const Topology& t) {
      return all_of({zone(args, t), within(args, "percent", 0.01, 100)});
    },
    [](const ActionParts& lab, const Action& a, Done done) {
      lab.rules.add("core", a.id,
                    loss_rules(a.id, text(a, "zone"), a.args.at("percent").get<double>()),
                    std::move(done));
    },
    [](const ActionParts& lab, const Action& a, Done done) {
      lab.rules.remove("core", a.id, std::move(done));
    },
    ActionKind::Order::at_once};

const ActionKind network_isolate{"network.isolate",
                                 [](const Json& args, const Topology& t) {
                                   return known("host", text(args, "host"), names(t.hosts));
                                 },
                                 [](const ActionParts& lab, const Action& a, Done done) {
                                   lab.rules.add(text(a, "host"), a.id, isolate_rules(a.id),
                                                 std::move(done));
                                 },
                                 [](const ActionParts& lab, const Action& a, Done done) {
                                   lab.rules.remove(text(a, "host"), a.id, std::move(done));
                                 },
                                 ActionKind::Order::at_once};

const ActionKind wire_shape{
    "wire.shape",
    [](const Json& args, const Topology& t) {
      constexpr double max_delay_ms = 10'000;
      constexpr double max_mbit = 100'000;
      return all_of({zone(args, t), within(args, "delay_ms", 0, max_delay_ms),
                     within(args, "jitter_ms", 0, max_delay_ms),
                     within(args, "rate_mbit", 0, max_mbit)});
    },
    [](const ActionParts& lab, const Action& a, Done done) {
      const auto thousands = [&](const char* key) {
        return static_cast<std::int64_t>(1000 * a.args.at(key).get<double>());
      };
      lab.side_doors.add("wire", a.id, SideDoors::layer,
                         {{"link", "zone-" + text(a, "zone")},
                          {"delay_us", thousands("delay_ms")},
                          {"jitter_us", thousands("jitter_ms")},
                          {"rate_kbit", thousands("rate_mbit")}},
                         std::move(done));
    },
    [](const ActionParts& lab, const Action& a, Done done) {
      lab.side_doors.remove("wire", a.id, SideDoors::layer, std::move(done));
    }};

void let_go(const ActionParts& lab, const Action& a, Done done) {
  lab.components.let_go(text(a, "component"), a.id, std::move(done));
}

const ActionKind process_kill{"process.kill", component,
                              [](const ActionParts& lab, const Action& a, Done done) {
                                lab.components.hold(text(a, "component"), a.id, Hold::dead,
                                                    std::move(done));
                              },
                              let_go};

const ActionKind process_stop{"process.stop", component,
                              [](const ActionParts& lab, const Action& a, Done done) {
                                lab.components.hold(text(a, "component"), a.id, Hold::stopped,
                                                    std::move(done));
                              },
                              let_go};

const ActionKind cache_switchover{"cache.switchover",
                                  [](const Json& args, const Topology& t) {
                                    return known("cache", text(args, "cache"),
                                                 names_with(t, "cache"));
                                  },
                                  [](const ActionParts& lab, const Action& a, Done done) {
                                    lab.roles.fail_over(text(a, "cache"), std::move(done));
                                  },
                                  nothing_to_undo};

const ActionKind database_switchover{"database.switchover",
                                     [](const Json& args, const Topology& t) {
                                       return known("database", text(args, "database"),
                                                    names_with(t, "database"));
                                     },
                                     [](const ActionParts& lab, const Action& /*a*/, Done done) {
                                       lab.switchovers.ask("", std::move(done));
                                     },
                                     nothing_to_undo};

const ActionKind spot_reclaim{
    "spot.reclaim",
    [](const Json& args, const Topology& t) {
      std::vector<std::string> spot;
      for (const auto& process : t.processes) {
        if (process.labels.contains("spot")) {
          spot.push_back(process.name);
        }
      }
      return all_of({known("spot node", text(args, "component"), spot),
                     within(args, "notice_ms", 0, max_ms), within(args, "grace_ms", 0, max_ms),
                     args.at("replace_after_ms").is_null()
                         ? Result<>{}
                         : within(args, "replace_after_ms", 0, max_ms)});
    },
    [](const ActionParts& lab, const Action& a, Done done) {
      const auto time = [&](const char* key) {
        return std::chrono::milliseconds(a.args.at(key).get<std::int64_t>());
      };
      ReclaimTimes times{time("notice_ms"), time("grace_ms"), std::nullopt};
      if (!a.args.at("replace_after_ms").is_null()) {
        times.replace_after = time("replace_after_ms");
      }
      lab.reclaims.begin(a.id, text(a, "component"), times, std::move(done));
    },
    [](const ActionParts& lab, const Action& a, Done done) {
      lab.reclaims.revert(a.id, text(a, "component"), std::move(done));
    }};

const ActionKind nat_shrink{
    "nat.shrink",
    [](const Json& args, const Topology& t) {
      return all_of({within(args, "eips", 1, t.profile.eips),
                     within(args, "ports_per_eip", 1, t.profile.ports_per_eip)});
    },
    [](const ActionParts& lab, const Action& a, Done done) {
      lab.rules.add("nat", a.id,
                    shrink_rules(a.id, lab.topology.profile, a.args.at("eips").get<int>(),
                                 a.args.at("ports_per_eip").get<int>()),
                    std::move(done));
    },
    [](const ActionParts& lab, const Action& a, Done done) {
      lab.rules.remove("nat", a.id, std::move(done));
    },
    ActionKind::Order::at_once};

const ActionKind flows_hold{
    "flows.hold",
    [](const Json& args, const Topology& t) {
      return all_of({known("host", text(args, "host"), names(t.hosts)),
                     known("component", text(args, "to"), names(t.processes)),
                     within(args, "flows", 1, max_flows)});
    },
    [](const ActionParts& lab, const Action& a, Done done) {
      const auto& to = *lab.topology.process(text(a, "to"));
      lab.flows.begin(a.id, text(a, "host"), fmt::format("{}:{}", to.address, to.port),
                      a.args.at("flows").get<int>(), std::move(done));
    },
    [](const ActionParts& lab, const Action& a, Done done) {
      lab.flows.revert(a.id, std::move(done));
    },
    ActionKind::Order::interrupting};

const ActionKind dependency_degrade{
    "dependency.degrade",
    [](const Json& args, const Topology& t) {
      return all_of({known("dependency", text(args, "dependency"), names_with(t, "dependency")),
                     known("mode", text(args, "mode"), {"latency", "reset", "status", "slow_body"}),
                     within_if_given(args, "delay_ms", 0, max_ms),
                     within_if_given(args, "status", 100, 599),
                     within_if_given(args, "share_percent", 0.1, 100)});
    },
    [](const ActionParts& lab, const Action& a, Done done) {
      lab.side_doors.add(text(a, "dependency"), a.id, SideDoors::layer,
                         {{"mode", text(a, "mode")},
                          {"delay_ms", a.args.value("delay_ms", 0)},
                          {"status", a.args.value("status", 503)},
                          {"share_percent", a.args.value("share_percent", 100)}},
                         std::move(done));
    },
    [](const ActionParts& lab, const Action& a, Done done) {
      lab.side_doors.remove(text(a, "dependency"), a.id, SideDoors::layer, std::move(done));
    }};

}  // namespace

std::span<const ActionKind> all_action_kinds() {
  static const std::array all{network_cut,  network_loss, network_isolate,  wire_shape,
                              process_kill, process_stop, cache_switchover, database_switchover,
                              spot_reclaim, nat_shrink,   flows_hold,       dependency_degrade};
  return all;
}

}  // namespace faultline::lab
