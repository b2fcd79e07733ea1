// Kind redis_writes: writes with unique ids to the primary that Sentinel names.
#include "orchestrator/load/read_back.hpp"
#include "orchestrator/load/redis_store.hpp"
#include "orchestrator/load/source.hpp"

#include <algorithm>

namespace faultline::load {
namespace {

/// A writer shows when writes are accepted again, so each is one attempt, and a short one.
constexpr auto attempt_timeout = std::chrono::seconds(1);
/// A round trip is 1.2 ms; a SYN lost in a cut is sent again after 1 s, a new attempt sooner.
constexpr auto connect_timeout = std::chrono::milliseconds(250);
/// No service and no replication uses it: where a node counts it apart, these writes are counted.
constexpr const char* own_command = "SETEX";
/// Keys of a writer that was killed disappear by themselves; no run lasts a day.
constexpr const char* key_lifetime_s = "86400";

Instant now() {
  return std::chrono::steady_clock::now();
}

class Writer {
 public:
  Writer(boost::asio::io_context& io, CacheArgs args, const Spec& spec)
      : io_(io),
        ledger_(args.prefix + ":" + spec.probe, spec.seed),
        read_back_within_(args.read_back_within),
        finder_(io, std::move(args), [this](const Endpoint& to) { named(to); }) {}

  /// Ready when the first attempt to connect has ended, so that the load starts on a connection.
  void prepare(std::function<void()> ready) {
    ready_ = std::move(ready);
    finder_.when_asked([this] {
      if (!connection_) {
        settled();
      }
    });
    finder_.in_trouble();
  }

  void send(Request request) {
    const auto sent = now();
    ledger_.attempt(request.due);
    if (!connection_ || !connection_->open()) {
      finder_.in_trouble();
      request.done(failed(why_not(), sent));
      return;
    }
    const auto number = request.number;
    connection_->send({own_command, ledger_.key(number), key_lifetime_s, ledger_.value(number)},
                      std::min<Instant>(request.deadline, sent + attempt_timeout),
                      [this, number, sent, done = std::move(request.done)](const Reply& reply) {
                        done(outcome(number, reply, sent));
                      });
  }

  void finish(std::function<void(Json)> finished) {
    leave();
    store_.emplace(io_, finder_, ledger_);
    read_back_.emplace(io_, *store_, ledger_, read_back_within_, std::move(finished));
    read_back_->begin();
  }

 private:
  /// Sentinel's word while in trouble. A standing connection is left for another address, so that a
  /// primary that hangs is given up as soon as it has a successor, but never for the one it was
  /// left for: a Sentinel that has not heard yet names the old one for a while.
  void named(const Endpoint& to) {
    if (store_) {
      store_->named();
    } else if (!connection_ || (to != target_ && !(connection_->open() && to == left_))) {
      connect(to);
    }
  }

  void connect(const Endpoint& to) {
    leave();
    target_ = to;
    connection_ = std::make_shared<RespConnection>(io_);
    connection_->connect(to, now() + connect_timeout,
                         [this, attempt = std::weak_ptr(connection_)](const std::string& error) {
                           if (attempt.lock() == connection_) {
                             connected(error);
                           }
                         });
  }

  void connected(const std::string& error) {
    if (error.empty()) {
      connection_->on_close([this](const std::string& why) { dropped(why); });
    } else {
      dropped(error);
    }
    settled();
  }

  void leave() {
    if (const auto connection = std::exchange(connection_, nullptr)) {
      left_ = target_;
      connection->on_close({});
      connection->close("primary moved");
    }
  }

  void dropped(const std::string& why) {
    connection_.reset();
    why_ = why;
    finder_.in_trouble();
  }

  void settled() {
    if (ready_) {
      std::exchange(ready_, nullptr)();
    }
  }

  [[nodiscard]] std::string why_not() const {
    if (!finder_.problem().empty()) {
      return finder_.problem();
    }
    return why_.empty() ? "not connected" : why_;
  }

  Outcome outcome(std::uint64_t number, const Reply& reply, Instant sent) {
    const auto refused = reply.answer != nullptr ? refusal(*reply.answer) : reply.failure;
    if (refused.empty()) {
      ledger_.settle(number, Fate::acknowledged);
      finder_.all_is_well();
      left_.reset();
      return {slo::Class::good, "", sent};
    }
    const bool surely_failed = reply.answer != nullptr && refused != "unexpected answer";
    ledger_.settle(number, surely_failed ? Fate::failed : Fate::ambiguous);
    finder_.in_trouble();
    return failed(refused, sent);
  }

  boost::asio::io_context& io_;
  WriteLedger ledger_;
  Duration read_back_within_;
  PrimaryFinder finder_;
  std::shared_ptr<RespConnection> connection_;  ///< standing or being made
  Endpoint target_;                             ///< of the connection
  std::optional<Endpoint> left_;  ///< given up for `target_`, which has not acknowledged yet
  std::string why_;               ///< the last connection ended
  std::function<void()> ready_;
  std::optional<RedisStore> store_;
  std::optional<ReadBack> read_back_;
};

}  // namespace

Result<Source> make_redis_writes(boost::asio::io_context& io, const Spec& spec) {
  auto args = parse_cache_args(spec);
  if (!args) {
    return args.error();
  }
  const auto writer = std::make_shared<Writer>(io, std::move(*args), spec);
  return Source{
      .prepare = [writer](std::function<void()> ready) { writer->prepare(std::move(ready)); },
      .send = [writer](Request request) { writer->send(std::move(request)); },
      .finish = [writer](std::function<void(Json)> done) { writer->finish(std::move(done)); }};
}

}  // namespace faultline::load
