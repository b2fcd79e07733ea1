#include "orchestrator/load/resp.hpp"

#include "orchestrator/load/network_error.hpp"

#include <boost/asio/write.hpp>
#include <hiredis/hiredis.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace faultline::load {
namespace {

/// An answer holds at most 500 short values; more than this is not Redis.
constexpr std::size_t max_answer_bytes = 4u << 20;
/// An error's first word, as a class of errors; Redis' longest is 15 letters.
constexpr std::size_t max_word = 20;

std::string encode(const Words& command) {
  std::string out = "*" + std::to_string(command.size()) + "\r\n";
  for (const auto& word : command) {
    out += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  }
  return out;
}

}  // namespace

RespConnection::RespConnection(boost::asio::io_context& io)
    : socket_(io), timer_(io), reader_(redisReaderCreate(), redisReaderFree) {}

RespConnection::~RespConnection() = default;

void RespConnection::connect(const Endpoint& to, Instant deadline,
                             std::function<void(const std::string&)> on_connected) {
  timer_.expires_at(deadline);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error && self->connecting_) {
      self->close("connect timeout");
    }
  });
  socket_.async_connect(to, [self = shared_from_this(),
                             then = std::move(on_connected)](boost::system::error_code error) {
    self->connecting_ = false;
    self->timer_.cancel();
    if (!self->why_closed_.empty() || error) {
      self->close(error_class(error, true));
      then(self->why_closed_);
      return;
    }
    self->open_ = true;
    self->socket_.set_option(boost::asio::ip::tcp::no_delay(true), error);
    self->read();
    then("");
  });
}

void RespConnection::send(const Words& command, Instant deadline, OnReply on_reply) {
  if (!open_) {
    on_reply({nullptr, why_closed_.empty() ? "not connected" : why_closed_});
    return;
  }
  pending_.push_back({deadline, std::move(on_reply)});
  waiting_ += encode(command);
  if (!busy_) {
    write();
  }
  if (!watching_) {
    watch_deadline();
  }
}

void RespConnection::close(const std::string& why) {
  if (!why_closed_.empty()) {
    return;
  }
  why_closed_ = why;
  const bool was_open = std::exchange(open_, false);
  boost::system::error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
  const auto self = shared_from_this();  // the callbacks may drop the last other owner
  for (const auto& pending : std::exchange(pending_, {})) {
    pending.on_reply({nullptr, why});
  }
  if (was_open && on_close_) {
    std::exchange(on_close_, nullptr)(why);
  }
}

void RespConnection::read() {
  socket_.async_read_some(
      boost::asio::buffer(input_),
      [self = shared_from_this()](boost::system::error_code error, std::size_t bytes) {
        if (error) {
          self->close(error_class(error, false));
          return;
        }
        redisReaderFeed(self->reader_.get(), self->input_.data(), bytes);
        self->take_replies();
        if (self->open_) {
          self->read();
        }
      });
}

void RespConnection::take_replies() {
  while (open_) {
    void* raw = nullptr;
    if (redisReaderGetReply(reader_.get(), &raw) != REDIS_OK ||
        reader_->len - reader_->pos > max_answer_bytes) {
      close("unexpected answer");
    }
    const std::unique_ptr<void, decltype(&freeReplyObject)> answer(raw, freeReplyObject);
    if (!answer) {
      return;
    }
    if (pending_.empty()) {
      close("unexpected answer");
      return;
    }
    const auto first = std::move(pending_.front());
    pending_.pop_front();
    first.on_reply({static_cast<const redisReply*>(answer.get()), ""});
  }
}

void RespConnection::write() {
  busy_ = true;
  writing_.clear();
  std::swap(writing_, waiting_);
  boost::asio::async_write(
      socket_, boost::asio::buffer(writing_),
      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
        self->busy_ = false;
        if (error) {
          self->close(error_class(error, false));
        } else if (self->open_ && !self->waiting_.empty()) {
          self->write();
        }
      });
}

/// Deadlines come in order, so the oldest command's is the next one; the timer runs on when that
/// command is answered in time, because setting it anew for each would cost more than it saves.
void RespConnection::watch_deadline() {
  watching_ = !pending_.empty() && open_;
  if (!watching_) {
    return;
  }
  timer_.expires_at(pending_.front().deadline);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (error || !self->open_) {
      return;
    }
    if (!self->pending_.empty() &&
        self->pending_.front().deadline <= std::chrono::steady_clock::now()) {
      self->close("timeout");
    } else {
      self->watch_deadline();
    }
  });
}

void ask_once(boost::asio::io_context& io, const Endpoint& to, Words command, Instant deadline,
              RespConnection::OnReply on_reply) {
  const auto connection = std::make_shared<RespConnection>(io);
  connection->connect(to, deadline,
                      [connection, deadline, command = std::move(command),
                       on_reply = std::move(on_reply)](const std::string&) {
                        // A connection that failed fails the command at once, with its reason; one
                        // that stands is kept alive by its reading, not by its own callback.
                        connection->send(
                            command, deadline,
                            [weak = std::weak_ptr(connection), on_reply](const Reply& reply) {
                              on_reply(reply);
                              if (const auto answered = weak.lock()) {
                                answered->close("done");
                              }
                            });
                      });
}

std::string refusal(const redisReply& answer) {
  const std::string_view text(answer.str == nullptr ? "" : answer.str, answer.str ? answer.len : 0);
  if (answer.type == REDIS_REPLY_STATUS && text == "OK") {
    return "";
  }
  const auto word = text.substr(0, text.find(' '));
  if (answer.type != REDIS_REPLY_ERROR || word.empty() || word.size() > max_word ||
      !std::ranges::all_of(word, [](char c) { return c >= 'A' && c <= 'Z'; })) {
    return "unexpected answer";
  }
  std::string lower(word);
  std::ranges::transform(lower, lower.begin(), [](char c) { return static_cast<char>(c + 32); });
  return lower;
}

}  // namespace faultline::load
