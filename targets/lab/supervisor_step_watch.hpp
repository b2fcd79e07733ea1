#pragma once

#include "targets/lab/supervisor_components.hpp"
#include "targets/lab/supervisor_log_tail.hpp"
#include "targets/lab/supervisor_steps.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <vector>

namespace faultline::lab {

/// Tells when the environment itself notices a failure and answers it, by the components' own word
/// and time: it reads what they log, so nothing of them is asked and nothing disturbed.
class StepWatch {
 public:
  using Publish = std::function<void(const targets::Notice&)>;
  StepWatch(boost::asio::io_context& io, const Topology& topology, const Components& components,
            Publish publish)
      : topology_(topology), components_(components), publish_(std::move(publish)), timer_(io) {}

  /// Reads ten times a second, from what is logged from now on. Every component has been started.
  void start();

 private:
  struct Log {
    const Process* process = nullptr;
    LogTail tail;
  };
  void read();
  void tell(const Process& who, const std::string& line);

  const Topology& topology_;
  const Components& components_;
  Publish publish_;
  boost::asio::steady_timer timer_;
  std::vector<Log> logs_;
};

}  // namespace faultline::lab
