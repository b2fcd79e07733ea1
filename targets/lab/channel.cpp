#include "targets/lab/channel.hpp"

#include "targets/lab/protocol.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <iterator>
#include <sys/socket.h>
#include <sys/un.h>

namespace faultline::lab {
namespace {

using nlohmann::json;
using LocalSocket = boost::asio::local::stream_protocol::socket;

constexpr std::size_t max_queued_bytes = 4u << 20;  // a peer that does not read is disconnected
constexpr std::size_t max_fds_per_line = 8;         // exec sends 3
constexpr std::size_t read_bytes = 64u << 10;       // a status answer in one call
constexpr int max_json_depth = 32;  // values are copied and printed recursively; a request needs 5

/// Parses one line, or returns a discarded value.
json parse_line(std::string_view line) {
  bool too_deep = false;
  const auto limit_depth = [&](int depth, json::parse_event_t, json&) {
    too_deep = too_deep || depth > max_json_depth;
    return !too_deep;
  };
  auto value = json::parse(line, limit_depth, false);
  return too_deep ? json(json::value_t::discarded) : value;
}

struct Outgoing {
  std::string text;
  std::size_t sent = 0;
  std::vector<net::Fd> fds;
};

/// One sendmsg; the descriptors go with the first byte.
ssize_t send_some(int socket, const Outgoing& out) {
  iovec part{const_cast<char*>(out.text.data()) + out.sent, out.text.size() - out.sent};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * max_fds_per_line)] = {};
  if (out.sent == 0 && !out.fds.empty()) {
    const std::size_t bytes = sizeof(int) * out.fds.size();
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(bytes);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(bytes);
    for (std::size_t i = 0; i < out.fds.size(); ++i) {
      const int fd = out.fds[i].get();
      std::memcpy(CMSG_DATA(header) + i * sizeof(int), &fd, sizeof(int));
    }
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

struct Incoming {
  ssize_t bytes = 0;
  std::vector<net::Fd> fds;
  bool fds_lost = false;
};

Incoming receive_some(int socket, char* buffer, std::size_t size) {
  Incoming in;
  iovec part{buffer, size};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * max_fds_per_line)];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  in.bytes = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (in.bytes < 0) {
    return in;
  }
  in.fds_lost = (message.msg_flags & MSG_CTRUNC) != 0;
  for (cmsghdr* h = CMSG_FIRSTHDR(&message); h != nullptr; h = CMSG_NXTHDR(&message, h)) {
    if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const std::size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
      in.fds.emplace_back(fd);
    }
  }
  return in;
}

class SocketChannel final : public Channel {
 public:
  SocketChannel(const boost::asio::any_io_executor& executor, net::Fd socket)
      : socket_(executor, boost::asio::local::stream_protocol(), socket.release()),
        buffer_(read_bytes, '\0') {}

  void start(OnLine on_line, OnClose on_close) override {
    on_line_ = std::move(on_line);
    on_close_ = std::move(on_close);
    wait_readable();
  }

  void send(const json& line, std::vector<net::Fd> fds) override {
    if (!socket_.is_open()) {
      return;
    }
    Outgoing out;
    out.text = line.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
    out.fds = std::move(fds);
    queued_bytes_ += out.text.size();
    queue_.push_back(std::move(out));
    if (queue_.back().fds.size() > max_fds_per_line) {
      fail_later(fmt::format("more than {} descriptors with one line", max_fds_per_line));
    } else if (queued_bytes_ > max_queued_bytes) {
      fail_later("the other side does not read its answers");
    } else if (!writing_) {
      flush();
    }
  }

  void close() override {
    boost::system::error_code ignored;
    socket_.close(ignored);
    queue_.clear();
    fds_.clear();
    on_line_ = nullptr;
    on_close_ = nullptr;
  }

 private:
  auto self() { return std::static_pointer_cast<SocketChannel>(shared_from_this()); }

  void fail(const std::string& reason) {
    const auto on_close = std::move(on_close_);
    close();
    if (on_close) {
      on_close(reason);
    }
  }

  /// `send` never calls back into its caller.
  void fail_later(std::string reason) {
    boost::asio::post(socket_.get_executor(),
                      [me = self(), reason = std::move(reason)] { me->fail(reason); });
  }

  void wait_readable() {
    socket_.async_wait(LocalSocket::wait_read, [me = self()](boost::system::error_code e) {
      if (!e) {
        me->on_readable();
      }
    });
  }

  void on_readable() {
    auto in = receive_some(socket_.native_handle(), buffer_.data(), buffer_.size());
    if (in.bytes < 0 && (errno == EAGAIN || errno == EINTR)) {
      wait_readable();
      return;
    }
    if (in.bytes <= 0) {
      fail(in.bytes == 0 ? "the other side closed the connection" : std::strerror(errno));
      return;
    }
    if (in.fds_lost) {
      fail(fmt::format("more than {} descriptors with one line", max_fds_per_line));
      return;
    }
    take(std::string_view(buffer_).substr(0, static_cast<std::size_t>(in.bytes)),
         std::move(in.fds));
    if (socket_.is_open()) {
      wait_readable();
    }
  }

  /// Each line is sent by itself, so descriptors belong to the line that the last byte read is in.
  void take(std::string_view bytes, std::vector<net::Fd> fds) {
    const auto keep = self();
    while (socket_.is_open()) {
      const auto end = bytes.find('\n');
      const bool last = end == std::string_view::npos || end + 1 == bytes.size();
      if (last) {
        std::ranges::move(fds, std::back_inserter(fds_));
        fds.clear();
      }
      line_.append(bytes.substr(0, end));
      if (line_.size() > static_cast<std::size_t>(max_line_bytes)) {
        fail(fmt::format("a line of more than {} bytes", max_line_bytes));
      } else if (fds_.size() > max_fds_per_line) {
        fail(fmt::format("more than {} descriptors with one line", max_fds_per_line));
      } else if (end != std::string_view::npos) {
        deliver();
      }
      if (last) {
        return;
      }
      bytes.remove_prefix(end + 1);
    }
  }

  void deliver() {
    auto value = parse_line(std::exchange(line_, {}));
    if (value.is_discarded()) {
      fail(fmt::format("a line that is not JSON of at most {} levels", max_json_depth));
    } else {
      const auto on_line = on_line_;  // it may close the channel, which drops the handlers
      on_line(std::move(value), std::exchange(fds_, {}));
    }
  }

  void flush() {
    while (!queue_.empty()) {
      auto& out = queue_.front();
      const ssize_t sent = send_some(socket_.native_handle(), out);
      if (sent < 0 && errno == EINTR) {
        continue;
      }
      if (sent < 0 && errno == EAGAIN) {
        wait_writable();
        return;
      }
      if (sent < 0) {
        fail_later(std::strerror(errno));
        return;
      }
      out.sent += static_cast<std::size_t>(sent);
      if (out.sent == out.text.size()) {
        queued_bytes_ -= out.text.size();
        queue_.pop_front();
      }
    }
  }

  void wait_writable() {
    writing_ = true;
    socket_.async_wait(LocalSocket::wait_write, [me = self()](boost::system::error_code e) {
      me->writing_ = false;
      if (!e) {
        me->flush();
      }
    });
  }

  LocalSocket socket_;
  OnLine on_line_;
  OnClose on_close_;
  std::string buffer_;        // what one read may bring
  std::string line_;          // the line being read
  std::vector<net::Fd> fds_;  // that came with it
  std::deque<Outgoing> queue_;
  std::size_t queued_bytes_ = 0;
  bool writing_ = false;
};

}  // namespace

Result<std::shared_ptr<Channel>> Channel::connect(boost::asio::any_io_executor executor,
                                                  const std::filesystem::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = socket.string();
  if (path.size() >= sizeof address.sun_path) {
    return Error{ErrorKind::usage,
                 fmt::format("the lab's socket {} has {} bytes, at most {} are possible; choose a "
                             "shorter FAULTLINE_HOME",
                             path, path.size(), sizeof address.sun_path - 1)};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  net::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) {
    return Error{ErrorKind::io, fmt::format("cannot make a socket: {}", std::strerror(errno))};
  }
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const bool nobody = errno == ENOENT || errno == ECONNREFUSED;
    return Error{nobody ? ErrorKind::not_found : ErrorKind::io,
                 fmt::format("no lab answers at {}: {}", path, std::strerror(errno))};
  }
  return adopt(std::move(executor), std::move(fd));
}

std::shared_ptr<Channel> Channel::adopt(boost::asio::any_io_executor executor, net::Fd socket) {
  return std::make_shared<SocketChannel>(executor, std::move(socket));
}

}  // namespace faultline::lab
