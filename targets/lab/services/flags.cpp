#include "targets/lab/services/flags.hpp"

#include "targets/net/flags.hpp"

namespace faultline::services {
namespace {

constexpr int max_held_writes = 96;  ///< below the node's threads, else held writes starve reads
constexpr int max_deadline_ms = 60'000;  ///< longer than any client of the lab waits
constexpr int max_bulkhead = 1000;
constexpr int max_retry_budget = 1000;

}  // namespace

Result<Flags> parse_flags(std::span<const std::string> args) {
  net::FlagReader reader(
      args, {"--node", "--zone", "--listen", "--sentinels", "--cache", "--hold-writes",
             "--client-deadline-ms", "--peers", "--orders", "--reads", "--retry-budget", "--pay",
             "--guard-payments", "--payment-timeout-ms", "--payment-bulkhead", "--metadata",
             "--metadata-poll-ms", "--drain"});
  Flags flags;
  flags.node = reader.text("--node");
  flags.zone = reader.text("--zone");
  flags.listen = reader.endpoint("--listen");
  flags.sentinels = reader.endpoints("--sentinels");
  flags.cache = reader.text("--cache");
  flags.hold_writes = reader.number("--hold-writes", 0, max_held_writes);
  flags.client_deadline = reader.ms("--client-deadline-ms", 1, max_deadline_ms);
  flags.peers = reader.endpoints("--peers");
  flags.orders = reader.endpoint("--orders");
  flags.reads = reader.endpoint("--reads");
  flags.retry_budget = reader.number("--retry-budget", 0, max_retry_budget);
  flags.pay = reader.endpoint("--pay");
  flags.guard_payments = reader.number("--guard-payments", 0, 1) == 1;
  flags.payment_timeout = reader.ms("--payment-timeout-ms", 1, max_deadline_ms);
  flags.payment_bulkhead = reader.number("--payment-bulkhead", 1, max_bulkhead);
  flags.metadata = reader.endpoint("--metadata");
  flags.metadata_poll = reader.ms("--metadata-poll-ms", 0, max_deadline_ms);
  flags.drain = reader.number("--drain", 0, 1) == 1;
  return reader.result(std::move(flags));
}

Result<RedisNodeFlags> parse_redis_node_flags(std::span<const std::string> args) {
  net::FlagReader reader(args, {"--listen", "--home", "--sentinels", "--cache", "--config"});
  RedisNodeFlags flags;
  flags.listen = reader.endpoint("--listen");
  flags.home = reader.endpoint("--home");
  flags.sentinels = reader.endpoints("--sentinels");
  flags.cache = reader.text("--cache");
  flags.config = reader.text("--config");
  return reader.result(std::move(flags));
}

}  // namespace faultline::services
