#pragma once

#include "targets/lab/wire/port.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <memory>
#include <random>
#include <string>
#include <sys/epoll.h>
#include <utility>
#include <vector>

namespace faultline::wire {

/// The two ends of a link in the wire's namespace. The first names it.
struct LinkEnds {
  std::string router_side;  ///< "zone-a"
  std::string core_side;    ///< "core-a"
  bool operator==(const LinkEnds&) const = default;
};

/// Since the start, over all links.
struct Counts {
  std::uint64_t frames = 0;   ///< delivered
  std::uint64_t dropped = 0;  ///< by a full queue or a rate, in a socket's buffer, by the kernel
  Duration late{};            ///< how long after its time a frame left, summed; early is negative
};

/// Carries frames both ways on every link. One thread.
class Carrier {
 public:
  /// Opens every interface. Error `io` names the one that is missing or forbidden.
  static Result<std::unique_ptr<Carrier>> open(boost::asio::io_context& io,
                                               const std::vector<LinkEnds>& links,
                                               const Shape& base);
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;

  /// Both ways, from now on.
  void reshape(std::string_view link, const Shape& shape);
  [[nodiscard]] Counts counts();

  /// For ever. Whatever else is on the io_context is run within some milliseconds.
  [[noreturn]] void run();

 private:
  struct Direction {
    std::string link;
    Port* in;
    Port* out;
    Lane lane;
  };
  Carrier(boost::asio::io_context& io, net::Fd poll) : io_(io), poll_(io, poll.release()) {}
  Result<> attach(const LinkEnds& ends, const Shape& base);
  Result<Port*> attach_port(const std::string& interface);

  void sleep_until_asked();
  void nap(Instant until);
  int wait_for_frames(Instant now);
  void receive(int ready);
  void send();
  [[nodiscard]] std::optional<Instant> next() const;

  boost::asio::io_context& io_;
  boost::asio::posix::stream_descriptor poll_;  ///< an epoll of the ports, readable when one is
  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<Direction> directions_;
  std::vector<epoll_event> ready_;
  std::minstd_rand random_{1};  // its numbers prove nothing; the same each time is welcome
  Inbox inbox_;
  Counts counts_;
  Instant last_arrival_{};  // not the least there is: a difference to it overflows
  Instant last_asked_{};
  std::size_t last_round_bytes_ = 0;
  Duration lead_{};  ///< how late sleeps have ended
};

}  // namespace faultline::wire
