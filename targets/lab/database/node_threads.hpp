#pragma once

#include "targets/lab/database/operations.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace faultline::database {

/// The two threads that the manager has for each node: one asks it every 0.1 s, the other carries
/// commands out. Either may meet a node that hangs; neither then holds up anything else.
class NodeThreads {
 public:
  using Seen = std::function<void(Observation)>;
  using Done = std::function<void(Outcome)>;

  /// `seen` and `done` are called on the threads.
  NodeThreads(std::string name, NodeAccess access, Seen seen, Done done);
  ~NodeThreads();  ///< waits for what is under way, 17 s at most

  void carry_out(Command command);

 private:
  void observe(const std::stop_token& stop);
  void work(const std::stop_token& stop);

  const std::string name_;
  const NodeAccess access_;
  const Seen seen_;
  const Done done_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Command> commands_;
  bool look_now_ = false;  ///< something was done to the node: ask without waiting
  std::jthread observer_, worker_;
};

}  // namespace faultline::database
