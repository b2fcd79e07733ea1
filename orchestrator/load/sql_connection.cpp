#include "orchestrator/load/sql_connection.hpp"

#include "orchestrator/load/sql_error.hpp"

#include <boost/asio/post.hpp>

#include <fcntl.h>
#include <mysql.h>
#include <sys/socket.h>

namespace faultline::load {
namespace {

constexpr const char* user = "app";
constexpr const char* password = "lab";

}  // namespace

SqlConnection::SqlConnection(boost::asio::io_context& io)
    : io_(io), timer_(io), mysql_(::mysql_init(nullptr), ::mysql_close) {
  ::mysql_options(mysql_.get(), MYSQL_OPT_NONBLOCK, nullptr);
}

SqlConnection::~SqlConnection() {
  close();
}

void SqlConnection::connect(const Endpoint& to, Instant deadline,
                            std::function<void(const std::string&)> then) {
  host_ = to.address().to_string();
  port_ = to.port();
  then_ = [then = std::move(then)](const SqlAnswer& answer) { then(answer.failure); };
  begin(Step::connect, deadline);
}

void SqlConnection::query(std::string text, Instant deadline,
                          std::function<void(const SqlAnswer&)> then) {
  text_ = std::move(text);
  then_ = std::move(then);
  begin(Step::query, deadline);
}

void SqlConnection::begin(Step step, Instant deadline) {
  step_ = step;
  timer_.expires_at(deadline);
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (self && !error && self->step_ != Step::none) {
      self->late();
    }
  });
  ++waits_;  // the wait for the end of an idle connection
  go_on(begin_step());
}

int SqlConnection::begin_step() {
  auto* const mysql = mysql_.get();
  switch (step_) {
    case Step::connect:
      return ::mysql_real_connect_start(&connected_, mysql, host_.c_str(), user, password, nullptr,
                                        port_, nullptr, 0);
    case Step::query:
      return ::mysql_real_query_start(&query_failed_, mysql, text_.data(), text_.size());
    case Step::store:
      return ::mysql_store_result_start(&result_, mysql);
    case Step::none:
      break;
  }
  return 0;
}

int SqlConnection::continue_step(int event) {
  auto* const mysql = mysql_.get();
  switch (step_) {
    case Step::connect:
      return ::mysql_real_connect_cont(&connected_, mysql, event);
    case Step::query:
      return ::mysql_real_query_cont(&query_failed_, mysql, event);
    case Step::store:
      return ::mysql_store_result_cont(&result_, mysql, event);
    case Step::none:
      break;
  }
  return 0;
}

void SqlConnection::go_on(int status) {
  while (true) {
    while (status != 0 && (late_ || !watch_socket())) {
      status = continue_step(MYSQL_WAIT_TIMEOUT);
    }
    if (status != 0) {
      wait_for(status);
      return;
    }
    step_ = step_ended();
    if (step_ == Step::none) {
      finish(failure());
      return;
    }
    status = begin_step();
  }
}

/// Watches a duplicate, because the library closes its own when an operation fails. False when the
/// machine has no descriptor for it.
bool SqlConnection::watch_socket() {
  if (!socket_) {
    const int fd = ::fcntl(::mysql_get_socket(mysql_.get()), F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
      late_ = true;
      return false;
    }
    socket_.emplace(io_, fd);
  }
  return true;
}

void SqlConnection::wait_for(int status) {
  using Descriptor = boost::asio::posix::descriptor_base;
  const auto wait = [this, number = ++waits_](Descriptor::wait_type what, int event) {
    socket_->async_wait(what, [weak = weak_from_this(), number, event](auto error) {
      const auto self = weak.lock();
      if (self && error != boost::asio::error::operation_aborted && number == self->waits_) {
        self->happened(event);
      }
    });
  };
  if ((status & MYSQL_WAIT_READ) != 0) {
    wait(Descriptor::wait_read, MYSQL_WAIT_READ);
  }
  if ((status & MYSQL_WAIT_WRITE) != 0) {
    wait(Descriptor::wait_write, MYSQL_WAIT_WRITE);
  }
}

void SqlConnection::happened(int event) {
  ++waits_;
  go_on(continue_step(event));
}

void SqlConnection::late() {
  late_ = true;
  ++waits_;
  shut();
  go_on(continue_step(MYSQL_WAIT_TIMEOUT));
}

SqlConnection::Step SqlConnection::step_ended() {
  if (step_ == Step::connect) {
    stands_ = connected_ != nullptr;
    return Step::none;
  }
  if (step_ == Step::query) {
    const bool has_rows = query_failed_ == 0 && ::mysql_field_count(mysql_.get()) > 0;
    return has_rows ? Step::store : Step::none;
  }
  const std::unique_ptr<MYSQL_RES, decltype(&::mysql_free_result)> result(
      std::exchange(result_, nullptr), ::mysql_free_result);
  const auto columns = ::mysql_field_count(mysql_.get());
  while (auto* const row = result ? ::mysql_fetch_row(result.get()) : nullptr) {
    const auto* const sizes = ::mysql_fetch_lengths(result.get());
    auto& values = rows_.emplace_back();
    for (unsigned i = 0; i < columns; ++i) {
      values.emplace_back(row[i] == nullptr ? "" : std::string(row[i], sizes[i]));
    }
  }
  return Step::none;
}

SqlAnswer SqlConnection::failure() const {
  const int number = static_cast<int>(::mysql_errno(mysql_.get()));
  const bool connecting = !stands_;
  if (late_) {
    return {connecting ? "connect timeout" : "timeout", false, {}};
  }
  if (number == 0 && !connecting) {
    return {};
  }
  return {sql_error_class(number, ::mysql_error(mysql_.get()), connecting),
          is_the_servers_word(number),
          {}};
}

void SqlConnection::finish(SqlAnswer answer) {
  timer_.cancel();
  answer.rows = std::exchange(rows_, {});
  if (!answer.failure.empty() && !answer.surely_not_done) {
    stands_ = false;
    shut();
  }
  if (stands_) {
    watch_idle();
  }
  boost::asio::post(io_, [weak = weak_from_this(), answer = std::move(answer)] {
    const auto self = weak.lock();
    if (self && self->then_) {
      std::exchange(self->then_, nullptr)(answer);
    }
  });
}

/// A server that ends says nothing, it closes.
void SqlConnection::watch_idle() {
  socket_->async_wait(boost::asio::posix::descriptor_base::wait_read,
                      [weak = weak_from_this(), number = ++waits_](auto error) {
                        const auto self = weak.lock();
                        if (!self || error == boost::asio::error::operation_aborted ||
                            number != self->waits_ || !self->stands_) {
                          return;
                        }
                        char byte = 0;
                        const auto got = ::recv(self->socket_->native_handle(), &byte, 1,
                                                MSG_PEEK | MSG_DONTWAIT);
                        self->stands_ = false;
                        if (const auto listener = self->on_dropped_) {
                          listener(got < 0 ? "reset" : "closed early");
                        }
                      });
}

/// Nothing waits for the socket any more, in the library neither.
void SqlConnection::shut() {
  const int fd = mysql_ ? ::mysql_get_socket(mysql_.get()) : -1;
  if (fd >= 0) {
    ::shutdown(fd, SHUT_RDWR);
  }
}

void SqlConnection::close() {
  if (!mysql_) {
    return;
  }
  then_ = nullptr;
  on_dropped_ = nullptr;
  timer_.cancel();
  ++waits_;
  shut();
  while (step_ != Step::none && continue_step(MYSQL_WAIT_TIMEOUT) != 0) {
  }
  if (step_ == Step::store && result_ != nullptr) {
    ::mysql_free_result(std::exchange(result_, nullptr));
  }
  step_ = Step::none;
  stands_ = false;
  mysql_.reset();
  socket_.reset();
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  return out + "'";
}

}  // namespace faultline::load
