#pragma once

#include "targets/target.hpp"

#include <boost/asio/io_context.hpp>

#include <deque>
#include <functional>
#include <map>
#include <string>

namespace faultline::lab {

/// Jobs of one resource run one after the other, in the order asked; resources in parallel.
class Turns {
 public:
  using Done = targets::Done<void>;
  using Job = std::function<void(Done finished)>;

  explicit Turns(boost::asio::io_context& io) : io_(io) {}

  /// Runs the action's job when those before it have finished; `done` has its result.
  void take(const std::string& resource, const std::string& action, Job job, Done done);
  /// What of the action has not begun does not begin: at its turn it ends with error `refused`.
  void give_up(const std::string& action);

 private:
  struct Turn {
    std::string action;
    Job job;
    Done done;
    bool given_up = false;
  };
  void begin(const std::string& resource);
  void next(const std::string& resource);

  boost::asio::io_context& io_;
  std::map<std::string, std::deque<Turn>> queues_;  // by resource; front is running
};

}  // namespace faultline::lab
