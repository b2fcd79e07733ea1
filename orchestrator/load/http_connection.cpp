#include "orchestrator/load/http_connection.hpp"

#include "orchestrator/load/network_error.hpp"

namespace faultline::load {
namespace {

constexpr unsigned first_final_status = 200, switching_protocols = 101;

}  // namespace

using Progress = HttpConnection::Progress;

void HttpConnection::begin_answer() {
  const auto& expectation = message_->expectation;
  const auto keep = logging_in || expectation.reads_body() ? expectation.max_bytes() : 0;
  answer_.emplace(message_->head, expectation.status(), keep, expectation.max_bytes());
}

Progress HttpConnection::send(const HttpMessage& message, const Draw& draw) {
  text_.clear();
  message.render(shared_.plan.host, draw, text_);
  written_ = 0;
  message_ = &message;
  begin_answer();
  if (state_ == State::idle) {
    state_ = State::writing;
    return write();
  }
  const auto* tls = shared_.plan.tls ? &*shared_.plan.tls : nullptr;
  if (!socket_.open(shared_.epoll, shared_.plan.to, tls, this)) {
    return fail(socket_.error());
  }
  state_ = State::connecting;
  ++shared_.connecting;
  return Progress::pending;
}

Progress HttpConnection::ready(bool ends) {
  const auto progress = step(ends);
  if (ends && state_ == State::idle) {
    close();  // told with the answer, and only once
  }
  return progress;
}

Progress HttpConnection::step(bool ends) {
  switch (state_) {
    case State::connecting:
    case State::writing: {
      const auto progress = state_ == State::connecting ? connect() : write();
      // What came before the request was written is told of only once.
      return progress == Progress::pending && state_ == State::reading ? read(ends) : progress;
    }
    case State::reading:
      return read(ends);
    case State::idle:  // closed by the other side, or bytes that nobody asked for
      if (socket_.read(shared_.buffer).step != Socket::Step::again) {
        close();
      }
      return Progress::pending;
    case State::closed:
      return Progress::pending;
  }
  return Progress::pending;
}

Progress HttpConnection::connect() {
  switch (socket_.connect()) {
    case Socket::Step::again:
      return Progress::pending;
    case Socket::Step::done:
      --shared_.connecting;
      state_ = State::writing;
      if (shared_.stamped) {
        socket_.stamp();
      }
      return write();
    default:
      return fail(socket_.error());
  }
}

Progress HttpConnection::write() {
  while (written_ < text_.size()) {
    const auto moved = socket_.write(std::string_view(text_).substr(written_));
    if (moved.step == Socket::Step::again) {
      return Progress::pending;
    }
    if (moved.step != Socket::Step::done) {
      // Whoever refuses a request may close before reading it: look at the answer.
      if (socket_.error() != "reset") {
        return fail(socket_.error());
      }
      state_ = State::reading;
      const auto progress = read(true);
      return progress == Progress::failed ? fail("reset") : progress;
    }
    written_ += moved.bytes;
  }
  state_ = State::reading;
  return Progress::pending;
}

Progress HttpConnection::read(bool ends) {
  for (;;) {
    const auto moved = socket_.read(shared_.buffer);
    if (moved.step == Socket::Step::again) {
      return Progress::pending;
    }
    if (moved.step == Socket::Step::failed) {
      return fail(socket_.error());
    }
    if (moved.step == Socket::Step::ended) {
      arrived_wall_ = {};  // the kernel stamps what it delivers, not that there is no more
      HttpAnswer::Error problem;
      return answer_->ended(problem) ? finish(false) : fail(error_class(problem, false));
    }
    arrived_wall_ = moved.arrived_wall;
    const auto progress = take({shared_.buffer.data(), moved.bytes});
    // Less than asked for: the socket is empty, and the next event comes when it is not any more.
    const bool empty = moved.bytes < shared_.buffer.size() && !ends && !shared_.plan.tls;
    if (progress != Progress::pending || empty) {
      return progress;
    }
  }
}

Progress HttpConnection::take(std::string_view bytes) {
  HttpAnswer::Error problem;
  while (answer_->take(bytes, problem)) {
    const auto status = answer_->status();
    if (status >= first_final_status || status == switching_protocols) {
      return finish(bytes.empty());
    }
    begin_answer();  // "100 Continue" and its like come before the answer
  }
  return problem ? fail(error_class(problem, false)) : Progress::pending;
}

Progress HttpConnection::finish(bool in_order) {
  if (in_order && answer_->keep_alive() && shared_.plan.keep_alive) {
    state_ = State::idle;
  } else {
    close();
  }
  return Progress::answered;
}

Progress HttpConnection::fail(std::string error) {
  error_ = std::move(error);
  close();
  return Progress::failed;
}

void HttpConnection::close() {
  if (state_ == State::connecting) {
    --shared_.connecting;
  }
  socket_.close();
  state_ = State::closed;
}

std::string HttpConnection::late() const {
  return state_ == State::connecting ? "connect timeout" : "deadline";
}

}  // namespace faultline::load
