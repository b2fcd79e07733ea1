#pragma once

#include "targets/lab/supervisor_children.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <compare>
#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace faultline::lab {

/// Connections that an action holds open, by a program of its own in the host (`faultline-saas
/// flows`), and how many a NAT translates.
class FlowHolds {
 public:
  FlowHolds(boost::asio::io_context& io, Children& children, std::string program)
      : io_(io), children_(children), program_(std::move(program)) {}

  /// Done when every connection has been tried and one is held at least: how many, is for a check
  /// to say. Error `refused` when none is held, or when a revert came first: all is gone again
  /// then; `io` when the program ends before that, in its words; `timeout` after 65 s.
  void begin(const std::string& action, const std::string& host, const std::string& to, int flows,
             targets::Done<void> done);
  /// Idempotent. Done when the program and whatever it started are gone.
  void revert(const std::string& action, targets::Done<void> done);

 private:
  struct Entry;
  void read(const std::shared_ptr<Entry>& entry);
  static void tried(Entry& entry, int held);
  void exited(const std::string& action, const Exit& exit);

  boost::asio::io_context& io_;
  Children& children_;
  const std::string program_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;  // by action
};

/// Which flows are counted, as their origin sees them.
struct FlowsOf {
  std::string host;     ///< whose conntrack is asked
  std::string address;  ///< the destination
  std::uint16_t port = 0;
  std::string from;  ///< the origin's address; empty: any
  auto operator<=>(const FlowsOf&) const = default;
};

/// How many such flows conntrack knows that are established: the others hold nothing.
Result<int> count_flows(const FlowsOf& wanted);

/// Counts at most four times a second: a full table takes the supervisor's one thread so long that
/// others would wait.
class FlowCounts {
 public:
  using Look = std::function<Result<int>(const FlowsOf& wanted)>;
  explicit FlowCounts(Look look) : look_(std::move(look)) {}

  /// At most 250 ms old.
  Result<int> count(const FlowsOf& wanted, Instant now);

 private:
  struct Count {
    Instant at;
    Result<int> flows;
  };
  const Look look_;
  std::map<FlowsOf, Count> last_;  // as many as there are pairs of an origin and a destination
};

/// How many connections the program says it holds, once it has said so on a whole line.
std::optional<int> held_flows(const std::string& said);

}  // namespace faultline::lab
