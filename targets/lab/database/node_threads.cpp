#include "targets/lab/database/node_threads.hpp"

#include "targets/lab/database/examine.hpp"

#include <chrono>
#include <optional>

namespace faultline::database {
namespace {

constexpr auto pause = std::chrono::milliseconds(100);
/// A node that answers later than this does not answer; two such questions fit into the shortest
/// detection time that makes sense, 1 s.
constexpr Duration limit = std::chrono::milliseconds(400);

Instant now() {
  return std::chrono::steady_clock::now();
}

std::optional<NodeView> ask(const net::Endpoint& at, std::optional<Session>& session) {
  if (!session) {
    auto connected = Session::connect(at, limit);
    if (!connected) {
      return std::nullopt;
    }
    session = std::move(*connected);
  }
  auto examined = examine(*session, limit);
  if (!examined || examined->stale) {
    session.reset();
  }
  return examined ? std::optional(examined->view) : std::nullopt;
}

}  // namespace

NodeThreads::NodeThreads(std::string name, NodeAccess access, Seen seen, Done done)
    : name_(std::move(name)),
      access_(std::move(access)),
      seen_(std::move(seen)),
      done_(std::move(done)),
      observer_([this](const std::stop_token& stop) { observe(stop); }),
      worker_([this](const std::stop_token& stop) { work(stop); }) {}

NodeThreads::~NodeThreads() {
  observer_.request_stop();
  worker_.request_stop();
}

void NodeThreads::carry_out(Command command) {
  const std::lock_guard lock(mutex_);
  commands_.push_back(std::move(command));
  changed_.notify_all();
}

void NodeThreads::observe(const std::stop_token& stop) {
  std::optional<Session> session;
  while (!stop.stop_requested()) {
    const auto asked = now();
    auto view = ask(access_.sql, session);
    seen_({name_, asked, now(), std::move(view)});
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, stop, asked + pause, [this] { return look_now_; });
    look_now_ = false;
  }
}

void NodeThreads::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !commands_.empty(); })) {
    const auto command = std::move(commands_.front());
    commands_.pop_front();
    lock.unlock();
    done_(database::carry_out(access_, command));
    lock.lock();
    look_now_ = true;
    changed_.notify_all();
  }
}

}  // namespace faultline::database
