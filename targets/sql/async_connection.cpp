#include "targets/sql/async_connection.hpp"

#include <boost/asio/post.hpp>

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <utility>

namespace faultline::sql {

using Descriptor = boost::asio::posix::descriptor_base;

AsyncConnection::AsyncConnection(boost::asio::io_context& io) : io_(io), timer_(io) {
  conversation_.emplace();
}

AsyncConnection::~AsyncConnection() {
  close();
}

void AsyncConnection::connect(const net::Endpoint& to, const Login& as, Instant deadline,
                              Then then) {
  conversation_->connect(to, as);
  begin(deadline, std::move(then));
}

void AsyncConnection::query(std::string statement, Instant deadline, Then then) {
  conversation_->query(std::move(statement));
  begin(deadline, std::move(then));
}

void AsyncConnection::begin(Instant deadline, Then then) {
  then_ = std::move(then);
  timer_.expires_at(deadline);
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    // The end of an earlier deadline may have been on its way when that operation ended.
    if (self && !error && self->conversation_ && self->conversation_->wants() != 0 &&
        self->timer_.expiry() <= Instant(std::chrono::steady_clock::now())) {
      self->conversation_->cut_short();
      self->go_on();
    }
  });
  go_on();
}

void AsyncConnection::go_on() {
  ++waits_;  // also the wait for the end of an idle connection
  if (conversation_->wants() != 0 && !watch_socket()) {
    conversation_->cut_short();
  }
  if (conversation_->wants() == 0) {
    finish();
    return;
  }
  for (const short event : {POLLIN, POLLOUT}) {
    if ((conversation_->wants() & event) != 0) {
      wait_for(event == POLLIN ? Descriptor::wait_read : Descriptor::wait_write, [this, event] {
        conversation_->happened(event);
        go_on();
      });
    }
  }
}

void AsyncConnection::wait_for(Descriptor::wait_type what, std::function<void()> happened) {
  socket_->async_wait(
      what, [weak = weak_from_this(), number = waits_, happened = std::move(happened)](auto error) {
        const auto self = weak.lock();
        if (self && error != boost::asio::error::operation_aborted && number == self->waits_) {
          happened();
        }
      });
}

/// Watches a duplicate, because the library closes its own when an operation fails. False when the
/// machine has no descriptor for it.
bool AsyncConnection::watch_socket() {
  if (!socket_) {
    const int fd = ::fcntl(conversation_->socket(), F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
      return false;
    }
    socket_.emplace(io_, fd);
  }
  return true;
}

void AsyncConnection::finish() {
  timer_.cancel();
  if (stands()) {
    wait_for(Descriptor::wait_read, [this] { look_whether_it_ended(); });
  }
  boost::asio::post(io_, [weak = weak_from_this(), answer = conversation_->answer()] {
    const auto self = weak.lock();
    if (self && self->then_) {
      std::exchange(self->then_, nullptr)(answer);
    }
  });
}

/// A server that ends says nothing, it closes.
void AsyncConnection::look_whether_it_ended() {
  char byte = 0;
  const auto got = ::recv(socket_->native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  dropped_ = true;
  if (const auto listener = on_dropped_) {
    Failure failure{Failure::Kind::lost};
    failure.system_error = got < 0 ? errno : 0;
    listener(failure);
  }
}

void AsyncConnection::close() {
  then_ = nullptr;
  on_dropped_ = nullptr;
  timer_.cancel();
  ++waits_;
  conversation_.reset();
  socket_.reset();
}

}  // namespace faultline::sql
