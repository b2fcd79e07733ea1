#include "targets/sql/conversation.hpp"

#include <mysql.h>
#include <new>
#include <poll.h>
#include <sys/socket.h>
#include <utility>

namespace faultline::sql {
namespace {

constexpr int steps_to_unwind = 20;  ///< after a deadline the library needs one or two

MYSQL* new_handle() {
  // Once, and before any thread has a connection: the library does not guard it.
  static const int library = ::mysql_library_init(0, nullptr, nullptr);
  auto* const handle = library == 0 ? ::mysql_init(nullptr) : nullptr;
  if (handle == nullptr) {
    throw std::bad_alloc();
  }
  ::mysql_options(handle, MYSQL_OPT_NONBLOCK, nullptr);
  return handle;
}

}  // namespace

Conversation::Conversation() : mysql_(new_handle(), ::mysql_close) {}

/// Where it stands and nothing goes on, the library says goodbye, five bytes that any socket takes;
/// everywhere else the socket is shut, and nobody waits for a server that hangs.
Conversation::~Conversation() {
  cut_short();
}

void Conversation::connect(const net::Endpoint& to, const Login& as) {
  to_ = to;
  login_ = as;
  begin(Step::connect);
}

void Conversation::query(std::string statement) {
  statement_ = std::move(statement);
  begin(Step::query);
}

void Conversation::begin(Step step) {
  answer_ = {};
  step_ = step;
  go_on(start());
}

int Conversation::start() {
  auto* const mysql = mysql_.get();
  switch (step_) {
    case Step::connect:
      return ::mysql_real_connect_start(
          &connected_, mysql, to_.address.c_str(), login_.user.c_str(), login_.password.c_str(),
          login_.schema.empty() ? nullptr : login_.schema.c_str(), to_.port, nullptr, 0);
    case Step::query:
      return ::mysql_real_query_start(&query_failed_, mysql, statement_.data(), statement_.size());
    case Step::store:
      return ::mysql_store_result_start(&result_, mysql);
    case Step::none:
      break;
  }
  return 0;
}

int Conversation::proceed(int happened) {
  auto* const mysql = mysql_.get();
  switch (step_) {
    case Step::connect:
      return ::mysql_real_connect_cont(&connected_, mysql, happened);
    case Step::query:
      return ::mysql_real_query_cont(&query_failed_, mysql, happened);
    case Step::store:
      return ::mysql_store_result_cont(&result_, mysql, happened);
    case Step::none:
      break;
  }
  return 0;
}

void Conversation::go_on(int status) {
  while (status == 0) {
    step_ = step_ended();
    if (step_ == Step::none) {
      finish();
      return;
    }
    status = start();
  }
  wants_ = static_cast<short>(((status & MYSQL_WAIT_READ) != 0 ? POLLIN : 0) |
                              ((status & MYSQL_WAIT_WRITE) != 0 ? POLLOUT : 0));
}

int Conversation::socket() const {
  return static_cast<int>(::mysql_get_socket(mysql_.get()));
}

void Conversation::happened(short events) {
  const bool ended = (events & (POLLHUP | POLLERR)) != 0;  // both directions learn it
  const int status = ((events & POLLIN) != 0 || ended ? MYSQL_WAIT_READ : 0) |
                     ((events & POLLOUT) != 0 || ended ? MYSQL_WAIT_WRITE : 0);
  const int wanted = ((wants_ & POLLIN) != 0 ? MYSQL_WAIT_READ : 0) |
                     ((wants_ & POLLOUT) != 0 ? MYSQL_WAIT_WRITE : 0);
  if ((status & wanted) != 0) {
    go_on(proceed(status & wanted));
  }
}

void Conversation::cut_short() {
  if (step_ == Step::none) {
    return;
  }
  late_ = true;
  shut();
  for (int i = 0; i < steps_to_unwind && step_ != Step::none; ++i) {
    go_on(proceed(MYSQL_WAIT_TIMEOUT));
  }
  if (step_ != Step::none) {  // it waits on; closing it frees what it holds
    step_ = Step::none;
    finish();
  }
}

Conversation::Step Conversation::step_ended() {
  switch (step_) {
    case Step::connect:
      stands_ = connected_ != nullptr;
      return Step::none;
    case Step::query: {
      const bool has_rows = query_failed_ == 0 && ::mysql_field_count(mysql_.get()) > 0;
      return has_rows && !late_ ? Step::store : Step::none;
    }
    case Step::store:
      take_rows();
      return Step::none;
    case Step::none:
      break;
  }
  return Step::none;
}

void Conversation::take_rows() {
  const std::unique_ptr<MYSQL_RES, decltype(&::mysql_free_result)> result(
      std::exchange(result_, nullptr), ::mysql_free_result);
  if (!result) {
    return;
  }
  const auto columns = ::mysql_num_fields(result.get());
  const auto* const fields = ::mysql_fetch_fields(result.get());
  for (unsigned i = 0; i < columns; ++i) {
    answer_.columns.emplace_back(fields[i].name);
  }
  while (auto* const row = ::mysql_fetch_row(result.get())) {
    const auto* const sizes = ::mysql_fetch_lengths(result.get());
    auto& values = answer_.rows.emplace_back();
    for (unsigned i = 0; i < columns; ++i) {
      values.emplace_back(row[i] == nullptr ? "" : std::string(row[i], sizes[i]));
    }
  }
}

Failure Conversation::failure() const {
  if (late_) {
    return {Failure::Kind::late, connecting_, 0, 0, "no answer in time"};
  }
  const auto number = static_cast<int>(::mysql_errno(mysql_.get()));
  return number == 0 && stands_ ? Failure{}
                                : failure_of(number, ::mysql_error(mysql_.get()), connecting_);
}

void Conversation::finish() {
  wants_ = 0;
  answer_.failure = failure();
  if (answer_.failure && !answer_.failure.surely_not_done()) {
    stands_ = false;
  }
  if (!stands_) {
    shut();
  }
  connecting_ = false;
}

Answer Conversation::answer() {
  return std::exchange(answer_, {});
}

/// Nothing waits for the socket any more, on either side.
void Conversation::shut() const {
  if (const int fd = socket(); fd >= 0) {
    ::shutdown(fd, SHUT_RDWR);
  }
}

}  // namespace faultline::sql
