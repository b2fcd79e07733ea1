#include "targets/lab/supervisor_turns.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

namespace faultline::lab {

void Turns::take(const std::string& resource, const std::string& action, Job job, Done done) {
  auto& queue = queues_[resource];
  queue.push_back({action, std::move(job), std::move(done)});
  if (queue.size() == 1) {
    begin(resource);
  }
}

void Turns::give_up(const std::string& action) {
  for (auto& [resource, queue] : queues_) {
    for (auto turn = std::next(queue.begin()); turn != queue.end(); ++turn) {
      turn->given_up = turn->given_up || turn->action == action;
    }
  }
}

void Turns::begin(const std::string& resource) {
  const auto turn = queues_.at(resource).front();
  // Posted, because a job may end before it returns.
  const auto finished = [this, resource, done = turn.done](const Result<>& result) {
    boost::asio::post(io_, [this, resource, done, result] {
      done(result);
      next(resource);
    });
  };
  if (turn.given_up) {
    finished(Error{ErrorKind::refused,
                   fmt::format("action {} was reverted before its turn came", turn.action)});
  } else {
    turn.job(finished);
  }
}

void Turns::next(const std::string& resource) {
  auto& queue = queues_[resource];
  queue.pop_front();
  if (queue.empty()) {
    queues_.erase(resource);
  } else {
    begin(resource);
  }
}

}  // namespace faultline::lab
