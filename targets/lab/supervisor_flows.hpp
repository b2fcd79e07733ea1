#pragma once

#include "targets/lab/supervisor_children.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <map>
#include <memory>

namespace faultline::lab {

/// Connections that an action holds open, by a program of its own in the host (`faultline-saas
/// flows`), and how many a NAT translates.
class FlowHolds {
 public:
  FlowHolds(boost::asio::io_context& io, Children& children, std::string program)
      : io_(io), children_(children), program_(std::move(program)) {}

  /// Done when every connection has been tried: how many are held is for a check to say. Error `io`
  /// when the program ends before that, in its words; `timeout` after 65 s.
  void begin(const std::string& action, const std::string& host, const std::string& to, int flows,
             targets::Done<void> done);
  /// Idempotent. Done when the program and whatever it started are gone.
  void revert(const std::string& action, targets::Done<void> done);

 private:
  struct Entry;
  void read(const std::shared_ptr<Entry>& entry);
  void exited(const std::string& action, const Exit& exit);

  boost::asio::io_context& io_;
  Children& children_;
  const std::string program_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;  // by action
};

/// How many flows conntrack in the host knows whose original destination is that.
Result<int> count_flows(const std::string& host, const std::string& address, std::uint16_t port);

}  // namespace faultline::lab
