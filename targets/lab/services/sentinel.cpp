#include "targets/lab/services/sentinel.hpp"

#include <fmt/format.h>

#include <charconv>
#include <condition_variable>
#include <optional>

namespace faultline::services {
namespace {

using namespace std::chrono_literals;

constexpr Duration poll_period =
    100ms;  ///< how stale the answer may be; 3 Sentinels: 60 commands/s
constexpr Duration poll_timeout =
    300ms;  ///< a Sentinel answers in 1 ms; longer means hung or cut off

/// The value of a field in a flat list of names and values.
std::optional<std::string_view> field(const std::vector<std::string>& list, std::string_view name) {
  for (std::size_t i = 0; i + 1 < list.size(); i += 2) {
    if (list[i] == name) {
      return list[i + 1];
    }
  }
  return std::nullopt;
}

}  // namespace

Result<Sighting> ask_sentinel(Connection& sentinel, const std::string& cache, Duration timeout) {
  // The epoch first: should a failover come in between, the new primary is taken for an old epoch's
  // and ignored until the next question. The other way round, the old one would stick.
  const Reply master = sentinel.command({"SENTINEL", "MASTER", cache}, timeout);
  const Reply address = sentinel.command({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", cache}, timeout);
  for (const Reply* reply : {&master, &address}) {
    if (!reply->ok()) {
      return Error{ErrorKind::io, "Sentinel does not say who the primary is: " + reply->detail};
    }
  }
  const auto epoch = field(master.values, "config-epoch");
  if (address.values.size() != 2 || !epoch) {
    return Error{ErrorKind::io, "Sentinel answered something else than a primary and its epoch"};
  }
  auto primary = net::parse_endpoint(fmt::format("{}:{}", address.values[0], address.values[1]));
  if (!primary) {
    return primary.error();
  }
  Sighting sighting{std::move(*primary), 0};
  std::from_chars(epoch->data(), epoch->data() + epoch->size(), sighting.epoch);
  return sighting;
}

SentinelWatch::SentinelWatch(const std::vector<Endpoint>& sentinels, std::string cache,
                             PrimaryTracker& tracker,
                             std::function<void(const Endpoint&)> on_switch)
    : cache_(std::move(cache)), tracker_(tracker), on_switch_(std::move(on_switch)) {
  for (const auto& sentinel : sentinels) {
    threads_.emplace_back([this, sentinel](const std::stop_token& stop) { watch(stop, sentinel); });
  }
}

void SentinelWatch::watch(const std::stop_token& stop, const Endpoint& sentinel) {
  std::mutex mutex;
  std::condition_variable_any pause;
  std::optional<Connection> connection;
  while (!stop.stop_requested()) {
    if (!connection || !connection->usable()) {
      connection.emplace(sentinel, poll_timeout);
    }
    const auto sighting = ask_sentinel(*connection, cache_, poll_timeout);
    if (sighting && tracker_.report(*sighting)) {
      on_switch_(sighting->primary);
    }
    std::unique_lock lock(mutex);
    pause.wait_for(lock, stop, poll_period, [] { return false; });
  }
}

}  // namespace faultline::services
