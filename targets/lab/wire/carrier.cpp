#include "targets/lab/wire/carrier.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace faultline::wire {
namespace {

using namespace std::chrono_literals;

/// While frames are on their way, the ports are read at least so often: some tens of frames then
/// wait in a socket's buffer, which holds some hundred.
constexpr Duration max_nap = 1ms;
/// So much in one round announces a bulk transfer, whose next burst would not fit into a socket's
/// buffer: then every arrival wakes the wire.
constexpr std::size_t bulk_bytes = 64 * 1024;
/// Without frames for so long, the wire sleeps until one comes. Shorter costs wake-ups in a quiet
/// moment, longer saves nothing.
constexpr Duration linger = 5ms;
/// How often the control socket is looked at while frames pass.
constexpr Duration asked_every = 5ms;

/// A sleep ends late, by 10 us to 60 us depending on the machine; it is begun so much earlier, as
/// the last sleeps have shown, but not by more than this: a busy machine is not made up for.
constexpr Duration max_lead = 60us;
constexpr int lead_memory = 16;  ///< sleeps that the mean goes back
/// A frame may leave so much before its time: sleeping again would take longer, and those due
/// together leave together.
constexpr Duration max_early = 20us;

timespec to_timespec(Duration d) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(d);
  return {whole.count(), (d - whole).count()};
}

Instant now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

Result<std::unique_ptr<Carrier>> Carrier::open(boost::asio::io_context& io,
                                               const std::vector<LinkEnds>& links,
                                               const Shape& base) {
  net::Fd poll(::epoll_create1(EPOLL_CLOEXEC));
  if (!poll) {
    return Error{ErrorKind::io, fmt::format("cannot make an epoll: {}", std::strerror(errno))};
  }
  std::unique_ptr<Carrier> carrier(new Carrier(io, std::move(poll)));
  for (const auto& ends : links) {
    if (auto attached = carrier->attach(ends, base); !attached) {
      return attached.error();
    }
  }
  carrier->ready_.resize(carrier->directions_.size());
  return carrier;
}

Result<> Carrier::attach(const LinkEnds& ends, const Shape& base) {
  auto router = attach_port(ends.router_side);
  if (!router) {
    return router.error();
  }
  auto core = attach_port(ends.core_side);
  if (!core) {
    return core.error();
  }
  const Draw draw = [this] { return std::uniform_real_distribution<>(0, 1)(random_); };
  directions_.push_back({ends.router_side, *router, *core, Lane(base, draw)});
  directions_.push_back({ends.router_side, *core, *router, Lane(base, draw)});
  return {};
}

/// Ports are attached in the order of directions: event n is the input of direction n.
Result<Port*> Carrier::attach_port(const std::string& interface) {
  auto port = Port::open(interface);
  if (!port) {
    return port.error();
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = ports_.size();
  if (::epoll_ctl(poll_.native_handle(), EPOLL_CTL_ADD, port->fd(), &event) != 0) {
    return Error{ErrorKind::io, fmt::format("interface {}: cannot watch its raw socket: {}",
                                            interface, std::strerror(errno))};
  }
  return ports_.emplace_back(std::make_unique<Port>(std::move(*port))).get();
}

void Carrier::reshape(std::string_view link, const Shape& shape) {
  for (auto& direction : directions_) {
    if (direction.link == link) {
      direction.lane.reshape(shape, now());
    }
  }
}

Counts Carrier::counts() {
  for (const auto& port : ports_) {
    counts_.dropped += port->take_lost();
  }
  Counts all = counts_;
  for (const auto& direction : directions_) {
    all.dropped += direction.lane.dropped();
  }
  return all;
}

std::optional<Instant> Carrier::next() const {
  std::optional<Instant> first;
  for (const auto& direction : directions_) {
    const auto next = direction.lane.next();
    if (next && (!first || *next < *first)) {
      first = next;
    }
  }
  return first;
}

void Carrier::run() {
  for (;;) {
    Instant time = now();
    if (!next() && time - last_arrival_ > linger) {
      sleep_until_asked();
      time = now();
    }
    if (time - last_asked_ > asked_every) {
      io_.poll();
      last_asked_ = time;
    }
    receive(wait_for_frames(time));
    send();
  }
}

/// Nothing is on its way: a frame or the control socket ends the sleep.
void Carrier::sleep_until_asked() {
  bool frames = false;
  poll_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                   [&frames](boost::system::error_code) { frames = true; });
  while (!frames) {
    io_.run_one();
  }
  last_arrival_ = now();
}

/// Sleeps until then, and learns how late a sleep ends here.
void Carrier::nap(Instant until) {
  const timespec time = to_timespec(until.time_since_epoch());
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) == EINTR) {
  }
  const Duration late = std::min(now() - until, max_lead);
  lead_ += (late - lead_) / lead_memory;
}

/// Waits until a frame is due, or for the first to arrive. Returns how many ports have some.
int Carrier::wait_for_frames(Instant time) {
  const auto due = next();
  const Instant until = due ? std::min(*due - lead_, time + max_nap) : time + linger;
  Duration rest = std::max(until - time, Duration::zero());
  if (due && last_round_bytes_ < bulk_bytes) {
    if (rest > Duration::zero()) {
      nap(until);
    }
    rest = {};
  }
  const timespec timeout = to_timespec(rest);
  return ::epoll_pwait2(poll_.native_handle(), ready_.data(), static_cast<int>(ready_.size()),
                        &timeout, nullptr);
}

void Carrier::receive(int ready) {
  last_round_bytes_ = 0;
  for (int i = 0; i < ready; ++i) {
    auto& direction = directions_[ready_[static_cast<std::size_t>(i)].data.u64];
    for (const auto& arrival : inbox_.receive(*direction.in)) {
      direction.lane.push(arrival.at, arrival.packet);
      last_round_bytes_ += arrival.packet.size();
      last_arrival_ = std::max(last_arrival_, arrival.at);
    }
  }
}

void Carrier::send() {
  const Instant time = now();
  for (auto& direction : directions_) {
    const auto sent = send_due(direction.lane, *direction.out, time, max_early);
    counts_.frames += sent.frames;
    counts_.dropped += sent.refused;
    counts_.late += sent.late;
  }
}

}  // namespace faultline::wire
