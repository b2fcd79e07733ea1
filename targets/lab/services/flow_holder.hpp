#pragma once

#include "targets/lab/services/flows.hpp"
#include "targets/net/fd.hpp"

#include <deque>
#include <netinet/in.h>
#include <vector>

namespace faultline::services {

/// The connections of one process, on one epoll. Flows are numbered from 0. All attempts have the
/// same limit and all pauses the same length, so a queue each keeps what is next in front.
class FlowHolder {
 public:
  FlowHolder(const net::Endpoint& to, int flows, const FlowLimits& limits);

  Error run(const std::function<void(const FlowCount&)>& tried);

 private:
  using Clock = std::chrono::steady_clock;
  struct Due {
    Clock::time_point at;
    int flow;
    int attempt;  ///< of that flow; an entry of an earlier one is of no interest
  };
  struct Flow {
    net::Fd socket;
    std::uint16_t port = 0;  ///< one of ours
    bool held = false;
    int attempt = 0;  ///< from 1
    int error = 0;    ///< of the last attempt
  };

  void open_more();
  /// False when there is no use in trying others now: this machine has no port or descriptor left.
  bool open(int flow);
  /// Begins to connect: 0 when under way, else the error.
  int start(Flow& flow);
  int bind_to_free_port(Flow& flow);
  void give_back_port(Flow& flow);
  void stands(int flow);
  void ended(int flow, int error);
  void happened(int flow, unsigned events);
  void give_up_late_attempts();
  void end_first_round();
  [[nodiscard]] bool all_tried() const;
  [[nodiscard]] FlowCount count() const;
  [[nodiscard]] int wait_ms(bool told) const;

  sockaddr_in to_{};
  FlowLimits limits_;
  net::Fd epoll_;
  std::vector<Flow> flows_;
  std::deque<std::uint16_t> free_ports_;  ///< the longest free in front
  int next_untried_ = 0, open_first_attempts_ = 0, opening_ = 0;
  std::deque<Due> attempts_;  ///< when each attempt is given up
  std::deque<Due> pauses_;    ///< when each flow that failed is tried again
  Clock::time_point first_round_ends_;
};

}  // namespace faultline::services
