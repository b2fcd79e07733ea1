#include "targets/lab/services/saas.hpp"

#include <fmt/format.h>

namespace faultline::services {
namespace {

using namespace std::chrono_literals;

/// Connections of a node to each endpoint of the database: six nodes have 288 at most, and a node's
/// 12 orders a second of 5 ms need one.
constexpr int max_sql_connections = 24;
constexpr Duration metadata_timeout = 300ms;  ///< it answers in 1 ms

sql::Login database_user() {
  return {"app", "lab", "shop"};  // no secret: the lab's database is in the lab's namespaces only
}

}  // namespace

Saas::Saas(const Flags& flags, Log& log)
    : flags_(flags),
      log_(log),
      watch_(flags.sentinels, flags.cache, tracker_,
             [&log](const Endpoint& primary) { log.say("primary", to_string(primary)); }),
      writable_(flags.orders, database_user(), max_sql_connections),
      readable_(flags.reads, database_user(), max_sql_connections),
      retries_(flags.retry_budget),
      hold_(flags.hold_writes, time_),
      pay_client_(flags.pay, flags.guard_payments ? &retries_ : nullptr),
      breaker_(Breaker::Settings{}, time_.now),
      bulkhead_(flags.payment_bulkhead),
      payments_(make_payments()),
      peers_(flags.peers, flags.retry_budget > 0 ? &retries_ : nullptr),
      prices_({peers_, flags.peers.size(), flags.retry_budget > 0 ? &retries_ : nullptr, metrics_,
               time_.now}),
      jobs_(queue_, flags.node, time_.now, metrics_),
      catalog_(products_, cache_, retries_, time_.now, metrics_),
      billing_({prices_, *payments_, orders_, hold_, jobs_, metrics_}),
      worker_(jobs_, time_.now, metrics_),
      metadata_(flags.metadata, nullptr),
      reclaim_(
          [this](const Call& call) {
            const Instant end = time_.now() + metadata_timeout;
            return metadata_.call(call, {end, end});
          },
          [&log](const std::string& words) { log.say("reclaim", words); }),
      node_({flags, auth_, catalog_, billing_, hold_, metrics_, log,
             [this] { return reclaim_.leaving(); }}) {
  publish_pools();
  publish_guards();
}

std::unique_ptr<Payments> Saas::make_payments() {
  if (!flags_.guard_payments) {
    return std::make_unique<PlainPayments>(pay_, metrics_);
  }
  return std::make_unique<GuardedPayments>(GuardedPayments::Parts{
      pay_, breaker_, bulkhead_, metrics_, time_.now, flags_.payment_timeout});
}

Result<> Saas::start() {
  if (auto started = node_.start(); !started) {
    return started;
  }
  loops_.push_back(std::make_unique<Repeat>([this] { return worker_.step(); }));
  if (flags_.metadata_poll > 0ms) {
    loops_.push_back(std::make_unique<Repeat>([this] {
      reclaim_.ask();
      return Duration(flags_.metadata_poll);
    }));
  }
  return {};
}

void Saas::stop() {
  node_.stop();
  loops_.clear();
}

void Saas::publish_pools() {
  const auto sql = [this](const char* name, const SqlPool& pool) {
    const auto series = [name](const char* what) {
      return fmt::format(R"({}{{pool="{}"}})", what, name);
    };
    metrics_.gauge(series("pool_in_use"), [&pool] { return pool.figures().in_use; });
    metrics_.gauge(series("pool_idle"), [&pool] { return pool.figures().idle; });
    metrics_.gauge(series("pool_limit"), [&pool] { return pool.figures().limit; });
    metrics_.gauge(series("pool_opened_total"), [&pool] { return pool.figures().opened; });
    metrics_.gauge(series("pool_timed_out_total"), [&pool] { return pool.figures().timed_out; });
  };
  sql("orders", writable_);
  sql("reads", readable_);
  metrics_.gauge(R"(pool_in_use{pool="pay"})", [this] { return pay_client_.figures().in_use; });
  metrics_.gauge(R"(pool_idle{pool="pay"})", [this] { return pay_client_.figures().idle; });
  metrics_.gauge(R"(pool_opened_total{pool="pay"})",
                 [this] { return pay_client_.figures().opened; });
}

void Saas::publish_guards() {
  metrics_.gauge("held_writes", [this] { return hold_.figures().now; });
  metrics_.gauge("held_writes_max", [this] { return hold_.figures().max; });
  metrics_.gauge("held_writes_limit", [this] { return flags_.hold_writes; });
  metrics_.gauge("held_writes_saved_total", [this] { return hold_.figures().saved; });
  metrics_.gauge("held_writes_given_up_total", [this] { return hold_.figures().given_up; });
  metrics_.gauge("held_writes_rejected_total", [this] { return hold_.figures().rejected; });
  metrics_.gauge("retry_budget_tokens", [this] { return retries_.figures().tokens; });
  metrics_.gauge("retries_total", [this] { return retries_.figures().taken; });
  metrics_.gauge("retries_denied_total", [this] { return retries_.figures().denied; });
  metrics_.gauge("sentinel_switches_total", [this] { return tracker_.switches(); });
  metrics_.gauge("jobs_pending", [this] { return worker_.pending(); });
  metrics_.gauge("leaving", [this] { return reclaim_.leaving() ? 1 : 0; });
  if (!flags_.guard_payments) {
    return;
  }
  for (const auto state :
       {Breaker::State::closed, Breaker::State::open, Breaker::State::half_open}) {
    metrics_.gauge(fmt::format(R"(breaker_state{{breaker="pay",state="{}"}})", to_string(state)),
                   [this, state] { return breaker_.state() == state ? 1 : 0; });
  }
  metrics_.gauge(R"(breaker_opened_total{breaker="pay"})", [this] { return breaker_.opened(); });
  metrics_.gauge(R"(bulkhead_in_use{bulkhead="pay"})", [this] { return bulkhead_.figures().now; });
  metrics_.gauge(R"(bulkhead_max{bulkhead="pay"})", [this] { return bulkhead_.figures().max; });
  metrics_.gauge(R"(bulkhead_limit{bulkhead="pay"})", [this] { return bulkhead_.limit(); });
  metrics_.gauge(R"(bulkhead_rejected_total{bulkhead="pay"})",
                 [this] { return bulkhead_.figures().rejected; });
}

}  // namespace faultline::services
