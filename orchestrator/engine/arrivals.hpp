#pragma once

#include "orchestrator/engine/probes.hpp"

#include <map>
#include <string>

namespace faultline::engine {

/// Whether the requests that probes call answered ever arrived: some components count what reaches
/// them. A probe that says "good" without sending must not make a run green. Pure: it is shown the
/// world now and then.
class Arrivals {
 public:
  void look(const targets::World& world);
  /// Why the probes cannot be believed; empty when they can, or when nobody counts.
  [[nodiscard]] std::string problem(const Probes& probes) const;

 private:
  struct Counted {
    std::string component;
    std::uint64_t arrived = 0;  ///< since the first look
    std::uint64_t last = 0;     ///< the component's counter, which begins anew when it does
  };
  std::map<std::pair<std::string, std::uint16_t>, Counted> by_address_;
};

}  // namespace faultline::engine
