#pragma once

#include "targets/lab/supervisor_session.hpp"

#include <boost/asio/local/stream_protocol.hpp>

namespace faultline::lab {

/// The lab's listener and the sessions of all its clients.
class Sessions {
 public:
  Sessions(LabParts& lab, net::Fd listener);
  ~Sessions();
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;
  /// Accepts from now on.
  void start();
  /// To every client that watches.
  void publish(const targets::Notice& notice);

 private:
  void accept();
  void serve(net::Fd socket);

  LabParts& lab_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
  std::map<int, std::shared_ptr<Session>> sessions_;  // by number
  int last_ = 0;
};

}  // namespace faultline::lab
