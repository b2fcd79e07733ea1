#include "targets/lab/supervisor_sessions.hpp"

#include "targets/lab/protocol.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

namespace faultline::lab {
namespace {

using boost::asio::local::stream_protocol;

constexpr Duration accept_pause = std::chrono::milliseconds(100);  // when descriptors have run out

}  // namespace

Sessions::Sessions(LabParts& lab, net::Fd listener)
    : lab_(lab), acceptor_(lab.io, stream_protocol(), listener.release()) {}

Sessions::~Sessions() {
  for (const auto& [id, session] : sessions_) {
    session->close();
  }
}

void Sessions::start() {
  accept();
}

void Sessions::accept() {
  acceptor_.async_accept([this](boost::system::error_code e, stream_protocol::socket socket) {
    if (!e) {
      serve(net::Fd(socket.release()));
      accept();
      return;
    }
    auto timer = std::make_shared<boost::asio::steady_timer>(lab_.io, accept_pause);
    timer->async_wait([this, timer](boost::system::error_code) { accept(); });
  });
}

void Sessions::serve(net::Fd socket) {
  auto channel = Channel::adopt(lab_.io.get_executor(), std::move(socket));
  if (sessions_.size() == static_cast<std::size_t>(max_connections)) {
    Session::turn_away(channel, {ErrorKind::refused,
                                 fmt::format("the lab serves {} connections at once, and that many "
                                             "are open; close one",
                                             max_connections)});
    return;
  }
  const int id = ++last_;
  auto session = std::make_shared<Session>(lab_, std::move(channel), id);
  sessions_[id] = session;
  session->start([this, id] { sessions_.erase(id); });
}

void Sessions::publish(const targets::Notice& notice) {
  for (const auto& [id, session] : sessions_) {
    session->notify(notice);
  }
}

}  // namespace faultline::lab
