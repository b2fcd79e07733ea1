#include "targets/lab/services/redis.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <cerrno>
#include <sys/time.h>
#include <utility>

namespace faultline::services {
namespace {

using ReplyPtr = std::unique_ptr<redisReply, decltype(&freeReplyObject)>;

/// A zero timeval means "for ever" to the kernel, so at least a millisecond.
timeval to_timeval(Duration d) {
  using namespace std::chrono;
  const auto us = std::max(duration_cast<microseconds>(d), microseconds(1000)).count();
  return {us / 1'000'000, us % 1'000'000};
}

RedisError error_of_reply(std::string_view text) {
  constexpr std::pair<std::string_view, RedisError> known[] = {
      {"READONLY", RedisError::read_only},
      {"NOREPLICAS", RedisError::no_replicas},
      {"LOADING", RedisError::loading},
      {"MASTERDOWN", RedisError::master_down}};
  for (const auto& [prefix, error] : known) {
    if (text.starts_with(prefix)) {
      return error;
    }
  }
  return RedisError::other;
}

/// `code` is errno right after the failure; hiredis keeps it in words only.
RedisError error_of_transport(const redisContext& context, int code) {
  switch (context.err) {
    case REDIS_ERR_EOF:
      return RedisError::closed;
    case REDIS_ERR_IO:
      return code == EAGAIN || code == ETIMEDOUT ? RedisError::timeout : RedisError::closed;
    default:
      return RedisError::other;
  }
}

std::string text_of(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER) {
    return std::to_string(reply.integer);
  }
  return reply.str == nullptr ? std::string() : std::string(reply.str, reply.len);
}

void flatten(const redisReply& raw, std::vector<std::string>& values) {
  for (std::size_t i = 0; i < raw.elements; ++i) {
    const redisReply& element = *raw.element[i];
    if (element.type == REDIS_REPLY_ARRAY) {
      flatten(element, values);
    } else {
      values.push_back(text_of(element));
    }
  }
}

Reply to_reply(const redisReply& raw) {
  switch (raw.type) {
    case REDIS_REPLY_ERROR:
      return {error_of_reply(text_of(raw)), text_of(raw), {}};
    case REDIS_REPLY_NIL:
      return {};
    case REDIS_REPLY_ARRAY: {
      Reply reply;
      flatten(raw, reply.values);
      return reply;
    }
    default:
      return {RedisError::none, "", {text_of(raw)}};
  }
}

}  // namespace

std::string_view to_string(RedisError error) {
  switch (error) {
    case RedisError::none:
      return "none";
    case RedisError::no_primary:
      return "no_primary";
    case RedisError::refused:
      return "refused";
    case RedisError::timeout:
      return "timeout";
    case RedisError::closed:
      return "closed";
    case RedisError::read_only:
      return "read_only";
    case RedisError::no_replicas:
      return "no_replicas";
    case RedisError::loading:
      return "loading";
    case RedisError::master_down:
      return "master_down";
    case RedisError::other:
      return "other";
  }
  return "other";
}

bool passes(RedisError error) {
  return error != RedisError::none && error != RedisError::other;
}

void Connection::Free::operator()(redisContext* context) const {
  redisFree(context);
}

Connection::Connection(const Endpoint& endpoint, Duration timeout)
    : context_(
          redisConnectWithTimeout(endpoint.address.c_str(), endpoint.port, to_timeval(timeout))) {
  if (context_ == nullptr || context_->err != 0) {
    const bool timed_out = context_ != nullptr && errno == ETIMEDOUT;
    failure_ = {timed_out ? RedisError::timeout : RedisError::refused,
                to_string(endpoint) + ": " + (context_ ? context_->errstr : "out of memory"),
                {}};
    context_.reset();
  }
}

Reply Connection::command(const std::vector<std::string>& words, Duration timeout) {
  if (!usable()) {
    return failure_;
  }
  std::vector<const char*> argv;
  std::vector<std::size_t> lengths;
  for (const auto& word : words) {
    argv.push_back(word.data());
    lengths.push_back(word.size());
  }
  redisSetTimeout(context_.get(), to_timeval(timeout));
  errno = 0;
  const ReplyPtr raw(
      static_cast<redisReply*>(redisCommandArgv(context_.get(), static_cast<int>(argv.size()),
                                                argv.data(), lengths.data())),
      &freeReplyObject);
  const int code = errno;
  if (raw) {
    return to_reply(*raw);
  }
  failure_ = {error_of_transport(*context_, code), context_->errstr, {}};
  context_.reset();
  return failure_;
}

}  // namespace faultline::services
