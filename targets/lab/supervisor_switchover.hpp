#pragma once

#include "targets/lab/supervisor_ask.hpp"
#include "targets/lab/supervisor_health.hpp"

#include <memory>

namespace faultline::lab {

/// Moves of the database's writable role, always asked of its manager: the lab never promotes.
class Switchovers {
 public:
  Switchovers(boost::asio::io_context& io, const Topology& topology, Health& health)
      : io_(io), topology_(topology), health_(health) {}

  /// Done when the manager says so, within 12 s. `to` empty: it chooses. Error `refused` in the
  /// manager's words, `timeout` when it was begun and goes on.
  void ask(const std::string& to, targets::Done<void> done);

  /// Until the database is at home and all its nodes in sync, at most 20 s. Gives the moves in
  /// words.
  void bring_home(targets::Done<std::vector<std::string>> done);

 private:
  struct Move;
  void step(const std::shared_ptr<Move>& move);
  void look_later(const std::shared_ptr<Move>& move);

  boost::asio::io_context& io_;
  const Topology& topology_;
  Health& health_;
};

/// What became of it, from what the manager answered.
Result<> switchover_answer(const Heard& heard);

}  // namespace faultline::lab
