// Kind redis: a PING of the primary on a new connection for each request.
#include "orchestrator/load/primary_finder.hpp"
#include "orchestrator/load/source.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>

namespace faultline::load {
namespace {

/// A probe shows when the primary answers again: one that hangs must not hold its request longer.
constexpr auto attempt_timeout = std::chrono::seconds(1);

bool is_pong(const redisReply& answer) {
  return answer.type == REDIS_REPLY_STATUS && std::string_view(answer.str, answer.len) == "PONG";
}

class Pinger {
 public:
  Pinger(boost::asio::io_context& io, CacheArgs args)
      : io_(io), finder_(io, std::move(args), [](const Endpoint&) {}) {}

  void prepare(std::function<void()> ready) {
    finder_.when_asked(std::move(ready));
    finder_.in_trouble();
  }

  void send(Request request) {
    const auto sent = std::chrono::steady_clock::now();
    if (!finder_.named()) {
      finder_.in_trouble();
      request.done(failed(finder_.problem(), sent));
      return;
    }
    const auto deadline = std::min<Instant>(request.deadline, sent + attempt_timeout);
    ask_once(io_, *finder_.named(), {"PING"}, deadline,
             [this, sent, done = std::move(request.done)](const Reply& reply) {
               answered(reply, sent, done);
             });
  }

 private:
  void answered(const Reply& reply, Instant sent, const std::function<void(Outcome)>& done) {
    if (reply.answer != nullptr && is_pong(*reply.answer)) {
      finder_.all_is_well();
      done({slo::Class::good, "", sent});
      return;
    }
    finder_.in_trouble();
    const auto refused = reply.answer != nullptr ? refusal(*reply.answer) : reply.failure;
    done(failed(refused.empty() ? "unexpected answer" : refused, sent));
  }

  boost::asio::io_context& io_;
  PrimaryFinder finder_;
};

}  // namespace

Result<Source> make_redis_ping(boost::asio::io_context& io, const Spec& spec) {
  auto args = parse_cache_args(spec);
  if (!args) {
    return args.error();
  }
  const auto pinger = std::make_shared<Pinger>(io, std::move(*args));
  return Source{
      .prepare = [pinger](std::function<void()> ready) { pinger->prepare(std::move(ready)); },
      .send = [pinger](Request request) { pinger->send(std::move(request)); }};
}

}  // namespace faultline::load
