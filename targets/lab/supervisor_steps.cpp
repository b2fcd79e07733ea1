#include "targets/lab/supervisor_steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <regex>
#include <sstream>

namespace faultline::lab {
namespace {

using namespace std::chrono_literals;

constexpr Duration oldest = 5s;
/// Some logs tell the local time, and zones differ by whole quarters of an hour: what remains of a
/// time within a quarter is the same in all of them.
constexpr Duration quarter = 15min;

std::vector<std::string> words_after(std::string_view line, std::string_view what) {
  const auto at = line.find(what);
  if (at == line.npos) {
    return {};
  }
  std::istringstream in{std::string(line.substr(at + what.size()))};
  return {std::istream_iterator<std::string>(in), {}};
}

std::string component_at(const Topology& topology, const std::string& address) {
  const auto nodes = topology.of_kind("redis");
  const auto found = std::ranges::find(nodes, address, &Process::address);
  return found == nodes.end() ? address : (*found)->name;
}

/// "+odown master sessions 10.0.1.20 6379 #quorum 2/2": a quorum agrees. One Sentinel alone may
/// only be cut off itself, so its own "+sdown" is no detection.
/// "+selected-slave slave 10.0.2.20:6379 10.0.2.20 6379 @ sessions 10.0.1.20 6379", and the same
/// after "+promoted-slave": the leader has chosen, and has seen it to be the primary.
std::vector<LoggedStep> of_sentinel(const Topology& topology, std::string_view line) {
  if (const auto w = words_after(line, "+odown master "); w.size() > 1) {
    return {{w[0], "detected", component_at(topology, w[1])}};
  }
  for (const auto& [event, step] : {std::pair("+selected-slave slave ", "decided"),
                                    std::pair("+promoted-slave slave ", "done")}) {
    if (const auto w = words_after(line, event); w.size() > 4) {
      return {{w[4], step, component_at(topology, w[1])}};
    }
  }
  return {};
}

/// "step detected a-db: a-db did not answer for 1 s" (database/manager.cpp).
std::vector<LoggedStep> of_manager(const Topology& topology, std::string_view line) {
  const auto w = words_after(line, " step ");
  const auto* node = w.size() > 1 ? topology.process(w[1].substr(0, w[1].find(':'))) : nullptr;
  return node == nullptr || node->kind != "database"
             ? std::vector<LoggedStep>{}
             : std::vector<LoggedStep>{{node->labels.at("database"), w[0], node->name}};
}

/// "Server app/a-spot is DOWN, reason: Layer4 timeout, ..."
std::vector<LoggedStep> of_balancer(const Topology& topology, std::string_view line) {
  const auto w = words_after(line, "Server app/");
  const auto* node = w.size() > 2 && w[2] == "DOWN," ? topology.process(w[0]) : nullptr;
  if (node == nullptr) {
    return {};
  }
  const auto& service = node->labels.at("service");
  return {{service, "detected", node->name}, {service, "decided", node->name}};
}

/// "a-spot reclaim: this instance ends at ..." (services/reclaim.cpp).
std::vector<LoggedStep> of_node(const Process& node, std::string_view line) {
  return line.find(" reclaim: this instance ends at ") == line.npos
             ? std::vector<LoggedStep>{}
             : std::vector<LoggedStep>{{node.labels.at("service"), "detected", node.name}};
}

}  // namespace

bool tells_steps(const Profile& profile, const Process& process) {
  return process.kind == "sentinel" || process.kind == "manager" ||
         (process.kind == "balancer" && profile.health_checks) ||
         (process.kind == "app" && profile.watch_metadata);
}

std::vector<LoggedStep> steps_in(const Topology& topology, const Process& process,
                                 std::string_view line) {
  return process.kind == "sentinel"   ? of_sentinel(topology, line)
         : process.kind == "manager"  ? of_manager(topology, line)
         : process.kind == "balancer" ? of_balancer(topology, line)
         : process.kind == "app"      ? of_node(process, line)
                                      : std::vector<LoggedStep>{};
}

std::optional<Instant> written_at(std::string_view line, Instant now,
                                  std::chrono::system_clock::time_point wall) {
  static const std::regex time(R"(\d\d:(\d\d):(\d\d)\.(\d{3}))");
  std::match_results<std::string_view::const_iterator> found;
  if (!std::regex_search(line.begin(), line.end(), found, time)) {
    return std::nullopt;
  }
  const auto part = [&found](std::size_t i) { return std::stoi(found[i].str()); };
  const Duration written = std::chrono::minutes(part(1)) + std::chrono::seconds(part(2)) +
                           std::chrono::milliseconds(part(3));
  const auto age = (wall.time_since_epoch() % quarter + 2 * quarter - written % quarter) % quarter;
  return age <= oldest ? std::optional(now - age) : std::nullopt;
}

}  // namespace faultline::lab
