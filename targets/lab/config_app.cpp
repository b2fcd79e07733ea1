#include "targets/lab/config_parts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace faultline::lab {
namespace {

constexpr int retry_budget = 10;  ///< retries at once; a tenth of the calls in the long run

/// The nodes that this one asks for prices: those of its zone, itself included, or all.
std::string peers(const Topology& topology, const Process& node) {
  std::vector<std::string> addresses;
  for (const Process* app : topology.of_kind("app")) {
    if (!topology.profile.calls_stay_in_zone || app->zone == node.zone) {
      addresses.push_back(address_of(*app));
    }
  }
  return fmt::format("{}", fmt::join(addresses, ","));
}

std::string number(std::int64_t n) {
  return std::to_string(n);
}

}  // namespace

Start app_start(const Topology& topology, const Process& process, const Places& places) {
  const Profile& profile = topology.profile;
  const bool polls = profile.watch_metadata && process.labels.contains("spot");
  const Process* endpoint = topology.process("db-endpoint");
  const std::vector<std::pair<std::string, std::string>> flags{
      {"--node", process.name},
      {"--zone", process.zone},
      {"--listen", address_of(process)},
      {"--sentinels", sentinel_addresses(topology)},
      {"--cache", std::string(cache_name)},
      {"--hold-writes", number(profile.hold_writes ? profile.held_writes_per_node : 0)},
      {"--client-deadline-ms", number(profile.client_deadline.count())},
      {"--peers", peers(topology, process)},
      {"--orders", address_of(*endpoint)},
      {"--reads", fmt::format("{}:{}", endpoint->address, database_read_port)},
      {"--retry-budget", number(profile.calls_stay_in_zone ? retry_budget : 0)},
      {"--pay", address_of(*topology.process("pay"))},
      {"--guard-payments", profile.guard_payments ? "1" : "0"},
      {"--payment-timeout-ms", number(profile.payment_timeout.count())},
      {"--payment-bulkhead", number(profile.payment_bulkhead)},
      {"--metadata", address_of(*topology.process("metadata"))},
      {"--metadata-poll-ms", number(polls ? profile.metadata_poll.count() : 0)},
      {"--drain", profile.watch_metadata ? "1" : "0"},
  };
  Start start{{places.run / process.name}, {}, {saas(places)}};
  for (const auto& [name, value] : flags) {
    start.argv.insert(start.argv.end(), {name, value});
  }
  return start;
}

}  // namespace faultline::lab
