#pragma once

#include "targets/lab/wire/lane.hpp"
#include "targets/net/fd.hpp"

#include <array>
#include <span>
#include <string>
#include <sys/socket.h>
#include <sys/uio.h>
#include <vector>

namespace faultline::wire {

/// An interface of this network namespace with its raw socket. A packet is a `virtio_net_hdr`
/// (offloads that the kernel has put off: a checksum, a segmentation) and the Ethernet frame, so
/// frames of 64 KiB pass in one piece.
class Port {
 public:
  /// Brings the interface up and binds to it: every frame that it receives, none that it sends.
  static Result<Port> open(const std::string& interface);

  [[nodiscard]] int fd() const { return socket_.get(); }
  /// Frames that the socket's buffer had no room for, since the last call.
  [[nodiscard]] std::uint64_t take_lost() const;

 private:
  explicit Port(net::Fd socket) : socket_(std::move(socket)) {}
  net::Fd socket_;
};

/// Frames of one system call.
constexpr std::size_t batch_frames = 16;
/// virtio_net_hdr, Ethernet header with a tag, and the largest frame that segmentation puts off.
constexpr std::size_t max_packet_bytes = 10 + 18 + 65'536;

struct Arrival {
  Instant at;
  std::span<const std::byte> packet;  ///< valid until the next `receive`
};

/// Room for a batch of frames, shared by all ports.
class Inbox {
 public:
  Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;
  /// What waits in the port's socket, at most a batch; never blocks. The time of arrival is the
  /// kernel's.
  std::span<const Arrival> receive(const Port& port);

 private:
  static constexpr std::size_t control_bytes = 64;  ///< one time stamp
  std::vector<std::byte> memory_;
  alignas(cmsghdr) std::array<std::array<std::byte, control_bytes>, batch_frames> control_;
  std::array<iovec, batch_frames> parts_;
  std::array<mmsghdr, batch_frames> messages_;
  std::array<Arrival, batch_frames> arrivals_;
};

/// What `send` did with the frames that were due.
struct Sent {
  std::size_t frames = 0;
  std::size_t refused = 0;  ///< the kernel would not take them: the link is down, its queue full
  Duration late{};          ///< summed over the frames; early is negative
};

/// Sends what is due, or will be within `early`; a frame that the kernel refuses is dropped.
Sent send_due(Lane& lane, const Port& port, Instant now, Duration early);

}  // namespace faultline::wire
