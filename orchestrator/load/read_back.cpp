#include "orchestrator/load/read_back.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <algorithm>

namespace faultline::load {
namespace {

/// Some 30 KB and 1 ms of a primary's time: other clients do not notice.
constexpr std::size_t batch = 500;
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

/// The values of an MGET, none where there is none; false when it is not an answer to `asked` keys.
bool values_in(const Reply& reply, std::size_t asked,
               std::vector<std::optional<std::string>>& values) {
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

Json to_json(const slo::Writes& writes) {
  return {{"writes",
           {{"attempted", writes.attempted},
            {"acknowledged", writes.acknowledged},
            {"ambiguous", writes.ambiguous},
            {"lost", writes.lost},
            {"duplicated", writes.duplicated},
            {"stale", writes.stale},
            {"loss_span_ms", writes.loss_span_ms}}}};
}

}  // namespace

ReadBack::ReadBack(boost::asio::io_context& io, PrimaryFinder& finder, WriteLedger& ledger,
                   Duration within, std::function<void(Json)> finished)
    : io_(io),
      finder_(finder),
      ledger_(ledger),
      within_(within),
      finished_(std::move(finished)),
      give_up_(io) {}

void ReadBack::begin() {
  wanted_ = ledger_.acknowledged();
  if (wanted_.empty() && ledger_.totals().ambiguous == 0) {
    finish(to_json(ledger_.totals()));  // there is no key to read or to delete
    return;
  }
  give_up_later();
  finder_.ask_all_anew();
}

void ReadBack::give_up_later() {
  give_up_.expires_after(within_);
  give_up_.async_wait([this](boost::system::error_code error) {
    too_late_ = !error;
    if (too_late_ && !connection_) {  // a reading under way may end: each of its steps has a limit
      start_over(why_not_);
    }
  });
}

void ReadBack::named() {
  const auto primary = finder_.agreed();
  if (!primary) {
    why_not_ = "the Sentinels do not agree on a primary";
  } else if (!connection_ && finished_) {
    connection_ = std::make_shared<RespConnection>(io_);
    connection_->connect(*primary, in_time(),
                         [this, to = *primary](const std::string& error) { connected(to, error); });
  }
}

void ReadBack::connected(const Endpoint& to, const std::string& error) {
  const auto name = fmt::format("{}:{}", to.address().to_string(), to.port());
  if (!error.empty()) {
    start_over(name + ": " + error);
    return;
  }
  connection_->send({"ROLE"}, in_time(), [this, name](const Reply& reply) {
    if (reply.answer == nullptr || !is_primary(*reply.answer)) {
      start_over(name + ": " + (reply.answer ? "not a primary by its own word" : reply.failure));
      return;
    }
    ledger_.begin_reading();
    read_batch(0);
  });
}

void ReadBack::read_batch(std::size_t from) {
  const auto count = std::min(batch, wanted_.size() - from);
  if (count == 0) {
    finder_.all_is_well();
    delete_batch(0);
    return;
  }
  Words command{"MGET"};
  for (std::size_t i = from; i < from + count; ++i) {
    command.push_back(ledger_.key(wanted_[i]));
  }
  connection_->send(command, in_time(), [this, from, count](const Reply& reply) {
    std::vector<std::optional<std::string>> values;
    if (!values_in(reply, count, values)) {
      start_over("reading back: " + (reply.answer ? refusal(*reply.answer) : reply.failure));
      return;
    }
    for (std::size_t i = 0; i < count; ++i) {
      ledger_.read_back(wanted_[from + i], values[i] ? &*values[i] : nullptr);
    }
    read_batch(from + count);
  });
}

/// The counts are in: keys that cannot be deleted now expire by themselves.
void ReadBack::delete_batch(std::uint64_t from) {
  const auto to = std::min<std::uint64_t>(from + batch, ledger_.attempted());
  if (from == to) {
    finish(to_json(ledger_.totals()));
    return;
  }
  Words command{"UNLINK"};
  for (auto number = from; number < to; ++number) {
    command.push_back(ledger_.key(number));
  }
  connection_->send(command, in_time(), [this, to](const Reply& reply) {
    if (reply.answer != nullptr) {
      delete_batch(to);
    } else {
      finish(to_json(ledger_.totals()));
    }
  });
}

void ReadBack::start_over(const std::string& why) {
  why_not_ = why;
  if (const auto connection = std::exchange(connection_, nullptr)) {
    connection->close("done");
  }
  if (too_late_ && wanted_.empty()) {
    finish(to_json(ledger_.totals()));  // nothing was acknowledged, so nothing can be lost
  } else if (too_late_) {
    finish({{"writes", nullptr},
            {"error",
             fmt::format("the acknowledged writes could not be read back within {}: {}",
                         in_words(within_), why_not_.empty() ? finder_.problem() : why_not_)}});
  } else {
    finder_.ask_all_anew();
  }
}

void ReadBack::finish(Json line) {
  finder_.all_is_well();
  give_up_.cancel();
  if (finished_) {
    std::exchange(finished_, nullptr)(std::move(line));
  }
}

}  // namespace faultline::load
