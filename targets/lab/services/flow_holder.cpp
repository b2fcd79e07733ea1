#include "targets/lab/services/flow_holder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utility>

namespace faultline::services {
namespace {

constexpr std::size_t events_at_once = 512;
/// Of one attempt, 10 us each: more than the ports of flows that were closed a minute ago.
constexpr std::size_t max_ports_tried = 4096;

/// Not an errno: the peer has ended a connection that stood, or there was no time for a first try.
constexpr int closed_by_peer = -1, not_tried = -2;

std::string reason(int error) {
  switch (error) {
    case ETIMEDOUT:
      return "no answer";
    case ECONNREFUSED:
      return "refused";
    case EADDRNOTAVAIL:
    case EADDRINUSE:
      return "no local port";
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return "no descriptor";
    case ECONNRESET:
      return "reset";
    case EHOSTUNREACH:
    case ENETUNREACH:
      return "unreachable";
    case EPERM:
      return "forbidden by a rule of this host";
    case closed_by_peer:
      return "closed by the peer";
    case not_tried:
      return "not tried in time";
    default:
      return fmt::format("error {}", error);
  }
}

bool is_of_this_machine(int error) {
  return error == EADDRNOTAVAIL || error == EADDRINUSE || error == EMFILE || error == ENFILE ||
         error == ENOBUFS || error == ENOMEM;
}

}  // namespace

FlowHolder::FlowHolder(const net::Endpoint& to, int flows, const FlowLimits& limits)
    : limits_(limits),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      flows_(static_cast<std::size_t>(flows)),
      first_round_ends_(Clock::now() + limits.first_round) {
  for (int i = 0; i < limits.ports; ++i) {
    free_ports_.push_back(static_cast<std::uint16_t>(limits.first_port + i));
  }
  to_.sin_family = AF_INET;
  to_.sin_port = htons(to.port);
  ::inet_pton(AF_INET, to.address.c_str(), &to_.sin_addr);
}

Error FlowHolder::run(const std::function<void(const FlowCount&)>& tried) {
  bool told = false;
  std::array<epoll_event, events_at_once> events{};
  while (true) {
    open_more();
    if (!told && (all_tried() || Clock::now() >= first_round_ends_)) {
      told = true;
      tried(count());
      end_first_round();
    }
    const int got = ::epoll_wait(epoll_.get(), events.data(), events.size(), wait_ms(told));
    if (got < 0 && errno != EINTR) {
      return {ErrorKind::io, fmt::format("cannot wait for connections: {}", std::strerror(errno))};
    }
    for (int i = 0; i < got; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      happened(static_cast<int>(event.data.u32), event.events);
    }
    give_up_late_attempts();
  }
}

/// From now on those for which there was no time wait in line with those that failed.
void FlowHolder::end_first_round() {
  const auto now = Clock::now();
  for (; next_untried_ < static_cast<int>(flows_.size()); ++next_untried_) {
    pauses_.push_back({now, next_untried_, 0});
  }
}

bool FlowHolder::all_tried() const {
  return next_untried_ == static_cast<int>(flows_.size()) && open_first_attempts_ == 0;
}

/// First those that were never tried, then those whose pause is over.
void FlowHolder::open_more() {
  while (opening_ < limits_.at_once && next_untried_ < static_cast<int>(flows_.size())) {
    open(next_untried_++);
  }
  const auto now = Clock::now();
  while (opening_ < limits_.at_once && !pauses_.empty() && pauses_.front().at <= now) {
    const int flow = pauses_.front().flow;
    pauses_.pop_front();
    if (!open(flow)) {
      for (auto& later : pauses_) {  // nor would the next ones find what this one did not
        later.at = std::max(later.at, now + limits_.pause);
      }
    }
  }
}

bool FlowHolder::open(int number) {
  auto& flow = flows_[static_cast<std::size_t>(number)];
  flow.error = ++flow.attempt == 1 ? ETIMEDOUT : flow.error;
  ++opening_;
  open_first_attempts_ += flow.attempt == 1 ? 1 : 0;
  int error = start(flow);
  epoll_event event{};
  event.events = EPOLLOUT;
  event.data.u32 = static_cast<std::uint32_t>(number);
  if (error == 0 && ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, flow.socket.get(), &event) != 0) {
    error = errno;
  }
  if (error != 0) {
    ended(number, error);
    return !is_of_this_machine(error);
  }
  attempts_.push_back({Clock::now() + limits_.attempt, number, flow.attempt});
  return true;
}

int FlowHolder::start(Flow& flow) {
  const auto tries = std::clamp<std::size_t>(free_ports_.size(), 1, max_ports_tried);
  int error = 0;
  for (std::size_t i = 0; i < tries; ++i) {
    flow.socket.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!flow.socket) {
      return errno;
    }
    error = bind_to_free_port(flow);
    const void* to = &to_;
    if (error == 0 &&
        ::connect(flow.socket.get(), static_cast<const sockaddr*>(to), sizeof to_) != 0) {
      error = errno == EINPROGRESS ? 0 : errno;
    }
    if (error != EADDRINUSE && error != EADDRNOTAVAIL) {
      return error;
    }
    give_back_port(flow);  // somebody else has it, or had it a minute ago: the next one
  }
  return error;
}

/// With SO_REUSEADDR a port may be used towards several destinations, as the kernel's choice may.
int FlowHolder::bind_to_free_port(Flow& flow) {
  if (limits_.ports == 0) {
    return 0;
  }
  if (free_ports_.empty()) {
    return EADDRNOTAVAIL;
  }
  flow.port = free_ports_.front();
  free_ports_.pop_front();
  const int on = 1;
  ::setsockopt(flow.socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_port = htons(flow.port);
  const void* raw = &from;
  return ::bind(flow.socket.get(), static_cast<const sockaddr*>(raw), sizeof from) == 0 ? 0 : errno;
}

void FlowHolder::give_back_port(Flow& flow) {
  if (flow.port != 0) {
    free_ports_.push_back(std::exchange(flow.port, std::uint16_t{0}));
  }
}

void FlowHolder::happened(int number, unsigned events) {
  auto& flow = flows_[static_cast<std::size_t>(number)];
  if (!flow.socket) {
    return;
  }
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(flow.socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0 && !flow.held && (events & EPOLLHUP) == 0) {
    stands(number);
  } else {
    ended(number, error != 0 ? error : closed_by_peer);
  }
}

void FlowHolder::stands(int number) {
  auto& flow = flows_[static_cast<std::size_t>(number)];
  flow.held = true;
  --opening_;
  open_first_attempts_ -= flow.attempt == 1 ? 1 : 0;
  epoll_event event{};
  event.events = EPOLLRDHUP;  // what the peer says is not read: the flow is idle
  event.data.u32 = static_cast<std::uint32_t>(number);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, flow.socket.get(), &event);
}

void FlowHolder::ended(int number, int error) {
  auto& flow = flows_[static_cast<std::size_t>(number)];
  if (!flow.held) {
    --opening_;
    open_first_attempts_ -= flow.attempt == 1 ? 1 : 0;
  }
  flow.held = false;
  flow.error = error;
  flow.socket.reset();
  give_back_port(flow);
  pauses_.push_back({Clock::now() + limits_.pause, number, flow.attempt});
}

void FlowHolder::give_up_late_attempts() {
  const auto now = Clock::now();
  while (!attempts_.empty() && attempts_.front().at <= now) {
    const auto due = attempts_.front();
    attempts_.pop_front();
    const auto& flow = flows_[static_cast<std::size_t>(due.flow)];
    if (flow.socket && !flow.held && flow.attempt == due.attempt) {
      ended(due.flow, ETIMEDOUT);
    }
  }
}

FlowCount FlowHolder::count() const {
  FlowCount all;
  for (const auto& flow : flows_) {
    if (flow.held) {
      ++all.held;
    } else {
      ++all.failed;
      ++all.why[reason(flow.attempt == 0 ? not_tried : flow.error)];
    }
  }
  return all;
}

int FlowHolder::wait_ms(bool told) const {
  auto until = Clock::time_point::max();
  if (!attempts_.empty()) {
    until = attempts_.front().at;
  }
  if (!pauses_.empty() && opening_ < limits_.at_once) {
    until = std::min(until, pauses_.front().at);
  }
  if (!told) {
    until = std::min(until, first_round_ends_);
  }
  if (until == Clock::time_point::max()) {
    return -1;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

}  // namespace faultline::services
