#include "targets/lab/wire/port.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

namespace faultline::wire {
namespace {

/// Asked of the kernel, which grants at most net.core.rmem_max: some hundred frames while the wire
/// waits for a processor.
constexpr int socket_buffer_bytes = 4 * 1024 * 1024;

Error port_error(const std::string& interface, const char* doing) {
  return {ErrorKind::io,
          fmt::format("interface {}: cannot {}: {}", interface, doing, std::strerror(errno))};
}

bool set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

bool bring_up(const std::string& interface) {
  const net::Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, interface.c_str(), IFNAMSIZ - 1);
  if (!any || ::ioctl(any.get(), SIOCGIFFLAGS, &request) != 0) {
    return false;
  }
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  return ::ioctl(any.get(), SIOCSIFFLAGS, &request) == 0;
}

bool hear_everything(int fd, int index) {
  packet_mreq all{};
  all.mr_ifindex = index;
  all.mr_type = PACKET_MR_PROMISC;
  return ::setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) == 0;
}

timespec clock_of(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return time;
}

Duration since_epoch(const timespec& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// How long ago the kernel saw the frame. Its stamps are wall-clock times: when that clock is set
/// back, the age is taken as zero; when it is set forward, one batch leaves early.
Duration age(msghdr& message, Duration wall_now) {
  for (auto* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
      timespec stamp{};
      std::memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
      return std::max(wall_now - since_epoch(stamp), Duration::zero());
    }
  }
  return {};
}

}  // namespace

Result<Port> Port::open(const std::string& interface) {
  const unsigned index = ::if_nametoindex(interface.c_str());
  if (index == 0) {
    return Error{ErrorKind::io, fmt::format("no interface '{}' in this network namespace: it is "
                                            "made before the wire is started",
                                            interface)};
  }
  if (!bring_up(interface)) {
    return port_error(interface, "bring it up");
  }
  // Without a protocol it hears nothing yet: first the options, then everything at once.
  net::Fd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) {
    return port_error(interface, "open a raw socket (CAP_NET_RAW)");
  }
  if (!set_option(fd.get(), SOL_PACKET, PACKET_VNET_HDR, 1) ||
      !set_option(fd.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, 1) ||
      !set_option(fd.get(), SOL_SOCKET, SO_TIMESTAMPNS, 1) ||
      !set_option(fd.get(), SOL_SOCKET, SO_RCVBUF, socket_buffer_bytes) ||
      !set_option(fd.get(), SOL_SOCKET, SO_SNDBUF, socket_buffer_bytes)) {
    return port_error(interface, "prepare its raw socket");
  }
  if (!hear_everything(fd.get(), static_cast<int>(index))) {
    return port_error(interface, "make it promiscuous");
  }
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(index);
  const void* raw = &address;
  if (::bind(fd.get(), static_cast<const sockaddr*>(raw), sizeof address) != 0) {
    return port_error(interface, "bind its raw socket");
  }
  return Port(std::move(fd));
}

std::uint64_t Port::take_lost() const {
  tpacket_stats stats{};
  socklen_t size = sizeof stats;
  const int got = ::getsockopt(fd(), SOL_PACKET, PACKET_STATISTICS, &stats, &size);
  return got == 0 ? stats.tp_drops : 0;
}

Inbox::Inbox() : memory_(batch_frames * max_packet_bytes) {
  for (std::size_t i = 0; i < batch_frames; ++i) {
    parts_[i] = {memory_.data() + i * max_packet_bytes, max_packet_bytes};
  }
}

std::span<const Arrival> Inbox::receive(const Port& port) {
  for (std::size_t i = 0; i < batch_frames; ++i) {
    messages_[i] = {};
    messages_[i].msg_hdr.msg_iov = &parts_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
    messages_[i].msg_hdr.msg_control = control_[i].data();
    messages_[i].msg_hdr.msg_controllen = control_bytes;
  }
  const int count = ::recvmmsg(port.fd(), messages_.data(), batch_frames, MSG_DONTWAIT, nullptr);
  if (count <= 0) {
    return {};  // nothing there, or the interface went down: it is heard again when it is up
  }
  const Duration wall = since_epoch(clock_of(CLOCK_REALTIME));
  const Instant now = std::chrono::steady_clock::now();
  const auto frames = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < frames; ++i) {
    const void* packet = parts_[i].iov_base;
    arrivals_[i] = {now - age(messages_[i].msg_hdr, wall),
                    {static_cast<const std::byte*>(packet), messages_[i].msg_len}};
  }
  return std::span(arrivals_).first(frames);
}

Sent send_due(Lane& lane, const Port& port, Instant now, Duration early) {
  std::array<iovec, batch_frames> parts;
  std::array<mmsghdr, batch_frames> messages;
  Sent sent;
  while (const std::size_t due = lane.due(now + early, batch_frames)) {
    for (std::size_t i = 0; i < due; ++i) {
      auto& packet = lane.packet(i);
      parts[i] = {packet.data(), packet.size()};
      messages[i] = {};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      sent.late += now - lane.due_at(i);
    }
    const int taken =
        ::sendmmsg(port.fd(), messages.data(), static_cast<unsigned>(due), MSG_DONTWAIT);
    if (taken > 0) {
      lane.pop(static_cast<std::size_t>(taken));
      sent.frames += static_cast<std::size_t>(taken);
    } else if (errno != EINTR) {
      lane.pop(1);
      ++sent.refused;
    }
  }
  return sent;
}

}  // namespace faultline::wire
