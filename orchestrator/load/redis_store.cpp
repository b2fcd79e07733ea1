#include "orchestrator/load/redis_store.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

namespace faultline::load {
namespace {

/// A primary that is there answers a batch in a few ms, on a busy machine in some hundred.
constexpr auto batch_timeout = std::chrono::seconds(2);

Instant in_time() {
  return std::chrono::steady_clock::now() + batch_timeout;
}

bool is_primary(const redisReply& role) {
  return role.type == REDIS_REPLY_ARRAY && role.elements > 0 &&
         role.element[0]->type == REDIS_REPLY_STRING &&
         std::string_view(role.element[0]->str, role.element[0]->len) == "master";
}

/// The values of an MGET; false when it is not an answer to `asked` keys.
bool values_in(const Reply& reply, std::size_t asked, WriteStore::Values& values) {
  if (reply.answer == nullptr || reply.answer->type != REDIS_REPLY_ARRAY ||
      reply.answer->elements != asked) {
    return false;
  }
  for (std::size_t i = 0; i < asked; ++i) {
    const auto& item = *reply.answer->element[i];
    if (item.type == REDIS_REPLY_STRING) {
      values.emplace_back(std::string(item.str, item.len));
    } else if (item.type == REDIS_REPLY_NIL) {
      values.emplace_back();
    } else {
      return false;
    }
  }
  return true;
}

std::string why(const Reply& reply) {
  return reply.answer != nullptr ? refusal(*reply.answer) : reply.failure;
}

}  // namespace

void RedisStore::open(Done then) {
  on_open_ = std::move(then);
  disagree_ = false;
  finder_.ask_all_anew();
}

void RedisStore::named() {
  const auto primary = finder_.agreed();
  disagree_ = !primary;
  if (!primary || connection_ || !on_open_) {
    return;
  }
  connection_ = std::make_shared<RespConnection>(io_);
  connection_->connect(
      *primary, in_time(),
      [this, to = *primary, mine = std::weak_ptr(connection_)](const std::string& error) {
        if (connection_ && mine.lock() == connection_) {
          connected(to, error);
        }
      });
}

std::string RedisStore::waits_for() const {
  return disagree_ ? "the Sentinels do not agree on a primary" : finder_.problem();
}

void RedisStore::connected(const Endpoint& to, const std::string& error) {
  const auto name = fmt::format("{}:{}", to.address().to_string(), to.port());
  if (!error.empty()) {
    opened(name + ": " + error);
    return;
  }
  ask({"ROLE"}, [this, name](const Reply& reply) {
    const bool right = reply.answer != nullptr && is_primary(*reply.answer);
    const auto wrong = reply.answer != nullptr ? "not a primary by its own word" : reply.failure;
    opened(right ? "" : name + ": " + wrong);
  });
}

void RedisStore::opened(const std::string& why_not) {
  if (why_not.empty()) {
    finder_.all_is_well();
  }
  std::exchange(on_open_, nullptr)(why_not);
}

void RedisStore::ask(const Words& command, OnReply on_reply) {
  connection_->send(command, in_time(),
                    [this, mine = std::weak_ptr(connection_),
                     on_reply = std::move(on_reply)](const Reply& reply) {
                      const auto asked = mine.lock();
                      if (asked && asked == connection_) {
                        on_reply(reply);
                      }
                    });
}

void RedisStore::read(std::span<const std::uint64_t> numbers,
                      std::function<void(const std::string&, Values)> then) {
  Words command{"MGET"};
  for (const auto number : numbers) {
    command.push_back(ledger_.key(number));
  }
  ask(command, [asked = numbers.size(), then = std::move(then)](const Reply& reply) {
    Values values;
    if (values_in(reply, asked, values)) {
      then("", std::move(values));
    } else {
      then(why(reply).empty() ? "unexpected answer" : why(reply), {});
    }
  });
}

/// Keys that cannot be deleted expire by themselves.
void RedisStore::remove(std::uint64_t from, std::uint64_t to, Done then) {
  Words command{"UNLINK"};
  for (auto number = from; number < to; ++number) {
    command.push_back(ledger_.key(number));
  }
  ask(command, [then = std::move(then)](const Reply& reply) {
    then(reply.answer != nullptr ? "" : reply.failure);
  });
}

void RedisStore::close() {
  on_open_ = nullptr;
  finder_.all_is_well();
  if (const auto connection = std::exchange(connection_, nullptr)) {
    connection->close("done");
  }
}

}  // namespace faultline::load
