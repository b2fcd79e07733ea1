#include "targets/lab/database/machine.hpp"

#include <fmt/format.h>

namespace faultline::database {

Machine::Machine(Server server, const std::filesystem::path& source, Log log)
    : server_(std::move(server)), data_(server_.folder, source, server_.id), log_(std::move(log)) {}

Error Machine::run() {
  if (auto ready = launch(); !ready) {
    return ready.error();
  }
  std::unique_lock lock(mutex_);
  started_ = true;
  while (true) {
    changed_.wait(lock, [this] { return asked_ != Ask::none && !answer_; });
    const Ask what = asked_;
    lock.unlock();
    look();  // before anything is done to the server: what ended it until now nobody asked for
    auto done = obey(what);
    State state{child_.running(), {}, server_.id};
    if (state.running) {
      state.up = std::chrono::duration_cast<std::chrono::milliseconds>(
          std::chrono::steady_clock::now() - launched_);
    }
    lock.lock();
    state_ = state;
    answer_ = std::move(done);
    changed_.notify_all();
  }
}

Machine::State Machine::state() {
  (void)ask(Ask::state);
  const std::lock_guard lock(mutex_);
  return state_;
}

std::optional<Loss> Machine::lost() {
  const std::unique_lock turn(one_at_a_time_, std::try_to_lock);
  std::unique_lock lock(mutex_);
  if (turn && started_) {
    lock.unlock();
    (void)have_done(Ask::state);
    lock.lock();
  }
  return lost_;
}

Result<> Machine::kill() {
  return ask(Ask::kill);
}

Result<> Machine::start() {
  return ask(Ask::start);
}

Result<> Machine::reclone() {
  return ask(Ask::reclone);
}

Result<> Machine::ask(Ask what) {
  const std::lock_guard turn(one_at_a_time_);
  return have_done(what);
}

Result<> Machine::have_done(Ask what) {
  std::unique_lock lock(mutex_);
  asked_ = what;
  changed_.notify_all();
  changed_.wait(lock, [this] { return answer_.has_value(); });
  asked_ = Ask::none;
  const auto answer = *answer_;
  answer_.reset();
  return answer;
}

void Machine::look() {
  auto lost = child_.lost();
  const std::lock_guard lock(mutex_);
  if (lost && (!lost_ || lost_->pid != lost->pid)) {
    log_(fmt::format("server {} {}, and nobody asked for it", server_.id, lost->how));
  }
  lost_ = std::move(lost);
}

Result<> Machine::obey(Ask what) {
  switch (what) {
    case Ask::kill:
      child_.kill();
      log_("killed, as the manager asked");
      return {};
    case Ask::start:
      return child_.running() ? Result<>{} : launch();
    case Ask::reclone: {
      child_.kill();
      if (auto fresh = data_.replace(); !fresh) {
        return fresh;
      }
      log_("fresh data, as the manager asked");
      return launch();
    }
    case Ask::none:
    case Ask::state:
      break;
  }
  return {};
}

Result<> Machine::launch() {
  if (auto there = data_.open(); !there) {
    return there;
  }
  server_.id = data_.id();
  if (auto started = child_.start(server_arguments(server_)); !started) {
    return started;
  }
  launched_ = std::chrono::steady_clock::now();
  log_(fmt::format("server {} starts, read-only", server_.id));
  return {};
}

}  // namespace faultline::database
