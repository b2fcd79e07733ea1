#include "targets/lab/database/machine.hpp"

#include "targets/lab/database/copy.hpp"

#include <fmt/format.h>

#include <fstream>

namespace faultline::database {
namespace {

namespace fs = std::filesystem;

/// A node whose data is replaced must not skip its own old events as a replica, so it takes a new
/// identity: its first one plus this, once for each time. More than the nodes of a cluster.
constexpr int identity_step = 100;

}  // namespace

Machine::Machine(Server server, fs::path source, std::function<void(const std::string&)> log)
    : server_(std::move(server)),
      first_id_(server_.id),
      source_(std::move(source)),
      log_(std::move(log)) {}

Error Machine::run() {
  load_identity();
  auto ready = fs::exists(data()) ? Result<>{} : fresh_data();
  ready = ready ? launch() : ready;
  if (!ready) {
    return ready.error();
  }
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return asked_ != Ask::none && !answer_; });
    const Ask what = asked_;
    lock.unlock();
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
  std::unique_lock lock(mutex_);
  asked_ = what;
  changed_.notify_all();
  changed_.wait(lock, [this] { return answer_.has_value(); });
  asked_ = Ask::none;
  const auto answer = *answer_;
  answer_.reset();
  return answer;
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
      auto fresh = fresh_data();
      return fresh ? launch() : fresh;
    }
    case Ask::none:
    case Ask::state:
      break;
  }
  return {};
}

Result<> Machine::launch() {
  auto child = Child::start(server_arguments(server_));
  if (!child) {
    return child.error();
  }
  child_ = std::move(*child);
  launched_ = std::chrono::steady_clock::now();
  log_(fmt::format("server {} starts, read-only", server_.id));
  return {};
}

Result<> Machine::fresh_data() {
  std::error_code error;
  if (fs::exists(data())) {
    fs::remove_all(data(), error);
    server_.id += identity_step;
  }
  fs::create_directories(server_.folder, error);
  // The identity first: with new data and the old one, the node would ignore its own history.
  std::ofstream(server_.folder / "server-id") << server_.id << '\n';
  const fs::path draft = server_.folder / "data.draft";
  fs::remove_all(draft, error);
  if (auto copied = copy_tree(source_, draft); !copied) {
    return copied;
  }
  fs::rename(draft, data(), error);
  if (error) {
    return Error{ErrorKind::io, fmt::format("cannot move {} to {}: {}", draft.string(),
                                            data().string(), error.message())};
  }
  log_(fmt::format("fresh data from {}", source_.string()));
  return {};
}

void Machine::load_identity() {
  int id = 0;
  if (std::ifstream(server_.folder / "server-id") >> id && id % identity_step == first_id_) {
    server_.id = id;
  }
}

}  // namespace faultline::database
