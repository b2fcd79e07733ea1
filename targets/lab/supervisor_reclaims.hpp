#pragma once

#include "targets/lab/supervisor_components.hpp"
#include "targets/lab/supervisor_reclaim.hpp"
#include "targets/lab/supervisor_side_doors.hpp"

#include <boost/asio/steady_timer.hpp>

#include <map>
#include <memory>
#include <string>

namespace faultline::lab {

/// Reclaims that are in force, with their timers: announces in the metadata, signals, replaces.
class Reclaims {
 public:
  Reclaims(boost::asio::io_context& io, Components& components, SideDoors& side_doors);

  /// Done when the metadata shows it. The rest happens by itself.
  void begin(const std::string& action, const std::string& component, const ReclaimTimes& times,
             targets::Done<void> done);
  /// Idempotent. Done when the announcement is withdrawn and the component runs.
  void revert(const std::string& action, const std::string& component, targets::Done<void> done);

  /// As Reclaim says; empty also for an action that is not there.
  [[nodiscard]] std::string how_it_ended(const std::string& action) const;

 private:
  struct Entry {
    std::string component;
    Reclaim reclaim;
    boost::asio::steady_timer timer;
  };
  void announced(const std::string& action, const std::string& component,
                 const ReclaimTimes& times);
  void wait(const std::string& action);
  void tick(const std::string& action);
  void withdraw(const std::string& action, targets::Done<void> done);

  boost::asio::io_context& io_;
  Components& components_;
  SideDoors& side_doors_;
  std::map<std::string, std::unique_ptr<Entry>> entries_;  // by action
};

}  // namespace faultline::lab
