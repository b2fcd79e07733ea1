#pragma once

#include "orchestrator/engine/probes.hpp"

#include <map>
#include <string>
#include <vector>

namespace faultline::engine {

/// Whether what probes call answered ever arrived: some components count what reaches them. A probe
/// that says "good" without sending must not make a run green. Pure: it is shown the world now and
/// then.
class Arrivals {
 public:
  void look(const targets::World& world);
  /// Why the probes cannot be believed; empty when they can, or when nobody counts.
  [[nodiscard]] std::string problem(const Probes& probes) const;

 private:
  struct Counted {
    std::uint64_t arrived = 0;  ///< since the first look
    std::uint64_t last = 0;     ///< the component's counter
    int restarts = 0;  ///< it began anew: what it had counted since the look before is not known
  };
  struct Seen {
    std::vector<std::string> places;         ///< "10.0.0.10:80", "cache sessions"
    std::map<std::string, Counted> counted;  ///< by what: "requests"
  };
  /// What the probes of a place say.
  struct Claim {
    std::vector<std::string> probes;
    std::uint64_t answered = 0;
    double rate_per_s = 0;
  };
  [[nodiscard]] std::string contradiction(const Claim& claim, const std::string& counted,
                                          const std::string& place) const;

  std::map<std::string, Seen> components_;  // by name
};

}  // namespace faultline::engine
