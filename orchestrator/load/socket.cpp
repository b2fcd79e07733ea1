#include "orchestrator/load/socket.hpp"

#include "orchestrator/load/network_error.hpp"

#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace faultline::load {

bool Socket::open(int epoll, const Endpoint& to, const TlsClient* tls, void* watcher) {
  close();
  error_.clear();
  tls_ = tls;
  fd_.reset(::socket(to.data()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int yes = 1;
  epoll_event events{};
  events.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  events.data.ptr = watcher;
  const bool begun = fd_ &&
                     ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0 &&
                     (::connect(fd_.get(), to.data(), static_cast<socklen_t>(to.size())) == 0 ||
                      errno == EINPROGRESS) &&
                     ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd_.get(), &events) == 0;
  if (!begun) {
    failed(errno, true);
  }
  return begun;
}

void Socket::close() {
  session_.reset();
  fd_.reset();
  connected_ = stamped_ = false;
}

Socket::Moved Socket::failed(int system_error, bool connecting) {
  error_ = error_class({system_error, boost::system::system_category()}, connecting);
  return {Step::failed, 0};
}

Socket::Step Socket::connect() {
  if (!connected_) {
    int problem = 0;
    socklen_t size = sizeof problem;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &problem, &size);
    if (problem != 0) {
      return failed(problem, true).step;
    }
    sockaddr_storage peer{};
    size = sizeof peer;
    if (::getpeername(fd_.get(), reinterpret_cast<sockaddr*>(&peer), &size) != 0) {
      return Step::again;  // an event of a socket that is still on its way
    }
    connected_ = true;
    if (tls_ != nullptr) {
      session_ = tls_->begin(fd_.get());
      if (!session_) {
        return failed(ENOMEM).step;
      }
    }
  }
  if (!session_) {
    return Step::done;
  }
  const auto moved = tls_result(::SSL_do_handshake(session_.get()));
  if (moved.step == Step::ended) {
    error_ = "closed early";
    return Step::failed;
  }
  return moved.step;
}

/// Of a call into OpenSSL, which has set errno if the socket failed.
Socket::Moved Socket::tls_result(int result) {
  const int system_error = errno;
  if (result > 0) {
    return {Step::done, static_cast<std::size_t>(result)};
  }
  const int reason = ::SSL_get_error(session_.get(), result);
  if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) {
    return {Step::again, 0};
  }
  error_ = tls_error_class(session_.get(), reason, system_error);
  return {reason == SSL_ERROR_ZERO_RETURN ? Step::ended : Step::failed, 0};
}

void Socket::stamp() {
  const int yes = 1;
  stamped_ =
      !session_ && ::setsockopt(fd_.get(), SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes) == 0;
}

/// As recv does it, with the kernel's stamp.
ssize_t Socket::receive(std::span<char> buffer, std::chrono::nanoseconds& arrived_wall) const {
  iovec where{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(timespec))> control;
  msghdr message{};
  message.msg_iov = &where;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto got = ::recvmsg(fd_.get(), &message, 0);
  const auto* told = got > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (told != nullptr && told->cmsg_type == SCM_TIMESTAMPNS) {
    timespec at{};
    std::memcpy(&at, CMSG_DATA(told), sizeof at);
    arrived_wall = std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec);
  }
  return got;
}

Socket::Moved Socket::write(std::string_view bytes) {
  if (session_) {
    errno = 0;
    return tls_result(::SSL_write(
        session_.get(), bytes.data(),
        static_cast<int>(std::min<std::size_t>(bytes.size(), std::numeric_limits<int>::max()))));
  }
  const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) {
    return {Step::done, static_cast<std::size_t>(sent)};
  }
  return errno == EAGAIN ? Moved{Step::again, 0} : failed(errno);
}

Socket::Moved Socket::read(std::span<char> buffer) {
  if (session_) {
    errno = 0;
    return tls_result(::SSL_read(session_.get(), buffer.data(), static_cast<int>(buffer.size())));
  }
  std::chrono::nanoseconds arrived_wall{};
  const auto got =
      stamped_ ? receive(buffer, arrived_wall) : ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (got > 0) {
    return {Step::done, static_cast<std::size_t>(got), arrived_wall};
  }
  if (got == 0) {
    return {Step::ended, 0};
  }
  return errno == EAGAIN ? Moved{Step::again, 0} : failed(errno);
}

}  // namespace faultline::load
