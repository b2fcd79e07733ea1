#include "orchestrator/load/primary_finder.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <algorithm>

namespace faultline::load {
namespace {

/// A failover is seen within this time of being announced; real clients ask as often.
constexpr auto ask_interval = std::chrono::milliseconds(100);
/// A Sentinel answers in 1 ms; one behind a cut never does, and must not hold up the next.
constexpr auto sentinel_timeout = std::chrono::milliseconds(200);

/// Sentinel needs up to 11 s to settle the roles after a cut heals (facts: 10.1-10.9 s).
constexpr double read_back_ms = 15'000;
constexpr double max_read_back_ms = 600'000;

Instant now() {
  return std::chrono::steady_clock::now();
}

/// The address in an answer to get-master-addr-by-name, if load may go there.
std::optional<Endpoint> address_in(const redisReply& answer) {
  if (answer.type != REDIS_REPLY_ARRAY || answer.elements != 2 ||
      answer.element[0]->type != REDIS_REPLY_STRING ||
      answer.element[1]->type != REDIS_REPLY_STRING) {
    return {};
  }
  const auto to = destination(fmt::format("{}:{}", answer.element[0]->str, answer.element[1]->str));
  return to ? std::optional(*to) : std::nullopt;
}

}  // namespace

Result<CacheArgs> parse_cache_args(const Spec& spec) {
  Fields fields(spec.args, where(spec));
  CacheArgs args;
  const auto sentinels = fields.texts("sentinels");
  args.cache = fields.text("cache");
  args.prefix = fields.text("prefix", "faultline");
  args.read_back_within = std::chrono::milliseconds(static_cast<std::int64_t>(
      fields.number("read_back_within_ms", 1, max_read_back_ms, read_back_ms)));
  if (sentinels.empty()) {
    fields.wrong("'sentinels' must name at least one, as address:port");
  }
  if (const auto done = fields.done(); !done) {
    return done.error();
  }
  for (const auto& sentinel : sentinels) {
    const auto to = destination(sentinel);
    if (!to) {
      return Error{to.error().kind, where(spec) + ": 'sentinels': " + to.error().message};
    }
    args.sentinels.push_back(*to);
  }
  return args;
}

PrimaryFinder::PrimaryFinder(boost::asio::io_context& io, CacheArgs args,
                             std::function<void(const Endpoint&)> on_named)
    : io_(io),
      args_(std::move(args)),
      on_named_(std::move(on_named)),
      timer_(io),
      named_by_(args_.sentinels.size()) {}

void PrimaryFinder::in_trouble() {
  trouble_ = true;
  if (!asking_ && !waiting_) {
    next_round(asked_at_ + ask_interval);
  }
}

void PrimaryFinder::all_is_well() {
  trouble_ = false;
}

void PrimaryFinder::ask_all_anew() {
  std::ranges::fill(named_by_, std::nullopt);
  in_trouble();
}

std::optional<Endpoint> PrimaryFinder::agreed() const {
  for (const auto& candidate : named_by_) {
    const auto votes = std::ranges::count(named_by_, candidate);
    if (candidate && 2 * static_cast<std::size_t>(votes) > named_by_.size()) {
      return candidate;
    }
  }
  return {};
}

void PrimaryFinder::next_round(Instant not_before) {
  waiting_ = true;
  timer_.expires_at(not_before);
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) {
      return;
    }
    waiting_ = false;
    if (trouble_) {
      ask_next();
    }
  });
}

void PrimaryFinder::ask_next() {
  const auto sentinel = next_;
  next_ = (next_ + 1) % args_.sentinels.size();
  asked_at_ = now();
  asking_ = true;
  ask_once(io_, args_.sentinels[sentinel], {"SENTINEL", "get-master-addr-by-name", args_.cache},
           asked_at_ + sentinel_timeout,
           [this, sentinel](const Reply& reply) { heard(sentinel, reply); });
}

void PrimaryFinder::heard(std::size_t sentinel, const Reply& reply) {
  asking_ = false;
  const auto address = reply.answer ? address_in(*reply.answer) : std::nullopt;
  named_by_[sentinel] = address;
  unanswered_ = reply.answer ? 0 : unanswered_ + 1;
  if (address) {
    named_ = address;
    problem_.clear();
    on_named_(*address);
  } else if (reply.answer || unanswered_ >= args_.sentinels.size()) {
    named_.reset();
    problem_ = reply.answer ? "no primary" : "no sentinel";
  }
  if (when_asked_ && (reply.answer || unanswered_ >= args_.sentinels.size())) {
    std::exchange(when_asked_, nullptr)();
  }
  if (trouble_ && !asking_ && !waiting_) {
    next_round(asked_at_ + ask_interval);
  }
}

}  // namespace faultline::load
