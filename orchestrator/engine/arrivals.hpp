#pragma once

#include "orchestrator/engine/probes.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace faultline::engine {

/// Whether what probes call answered ever arrived: some components count what reaches them. A probe
/// that says "good" without sending must not make a run green. What others send is counted too, so
/// more than was claimed proves nothing. Pure: it is shown the world now and then.
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
  /// What the probes that reach the same components say.
  struct Claim {
    std::string what;              ///< is counted: "requests"; empty: nothing
    std::set<std::string> places;  ///< "10.0.0.10:80", "cache sessions"
    std::vector<std::string> probes;
    std::uint64_t answered = 0;
    double rate_per_s = 0;
    void add(const Claim& other);
  };
  struct Seen {
    std::vector<std::string> places;         ///< as in claims
    std::map<std::string, Counted> counted;  ///< by what
    [[nodiscard]] bool counts(const Claim& claim) const;
  };
  [[nodiscard]] std::vector<Claim> claims_of(const Probes& probes) const;
  [[nodiscard]] std::string contradiction(const Claim& claim) const;

  std::map<std::string, Seen> components_;  // by name
};

}  // namespace faultline::engine
