#pragma once

#include "targets/lab/supervisor_children.hpp"
#include "targets/lab/supervisor_lifted.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

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
  FlowHolds(boost::asio::io_context& io, Children& children, std::string program, Lifted lifted)
      : io_(io), children_(children), program_(std::move(program)), lifted_(std::move(lifted)) {}

  /// Done when every connection has been tried and one is held at least: how many, is for a check
  /// to say. Error `refused` when none is held, or when a revert came first: all is gone again
  /// then; `io` when the program ends before that, in its words; `timeout` after 65 s.
  void begin(const std::string& action, const std::string& host, const std::string& to, int flows,
             targets::Done<void> done);
  /// Idempotent. Done when the program and whatever it started are gone.
  void revert(const std::string& action, targets::Done<void> done);
  /// The actions for which a program holds flows now: "none", or "by " and their ids.
  [[nodiscard]] std::string held_by() const;

 private:
  struct Entry;
  void read(const std::shared_ptr<Entry>& entry);
  static void tried(Entry& entry, int held);
  void exited(const std::string& action, const Exit& exit);

  boost::asio::io_context& io_;
  Children& children_;
  const std::string program_;
  Lifted lifted_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;  // by action
  std::map<std::string, std::string> lost_;                // how it ended by itself, by action
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

/// Counts on a thread of its own, which the supervisor's other work does not wait for: a full table
/// takes tens of milliseconds. And at most four times a second, for the sake of the machine.
class FlowCounts {
 public:
  using Look = std::function<Result<int>(const FlowsOf& wanted)>;
  /// `look` is called on that thread.
  FlowCounts(boost::asio::io_context& io, Look look) : io_(io), look_(std::move(look)) {}
  /// Waits for the count that is under way; who waits for it gets no answer any more.
  ~FlowCounts();
  FlowCounts(const FlowCounts&) = delete;
  FlowCounts& operator=(const FlowCounts&) = delete;

  /// `done` from the io_context, or at once with a count that was begun less than 250 ms ago.
  void count(const FlowsOf& wanted, Instant now, targets::Done<int> done);

 private:
  struct Question {
    Instant begun{};
    std::optional<Result<int>> flows;  // none before the first count
    std::vector<targets::Done<int>> waiting;
  };
  void begin(const FlowsOf& wanted);
  void counted(const FlowsOf& wanted, const Result<int>& flows);

  boost::asio::io_context& io_;
  const Look look_;
  std::map<FlowsOf, Question> questions_;  // one for every pair of an origin and a destination
  boost::asio::thread_pool thread_{1};
};

/// How many connections the program says it holds, once it has said so on a whole line.
std::optional<int> held_flows(const std::string& said);

}  // namespace faultline::lab
