#pragma once

#include "faults/fault.hpp"

#include <map>
#include <set>
#include <string>

namespace faultline::engine {

/// Some of so many.
struct Share {
  std::set<std::string> hit;
  std::size_t of = 0;
  [[nodiscard]] double percent() const {
    return of == 0 ? 0 : 100.0 * static_cast<double>(hit.size()) / static_cast<double>(of);
  }
};

/// The blast radius: what faults that are in force together take from an environment. Pure.
struct Radius {
  std::size_t faults = 0;
  Share zones;                               ///< taken as a whole
  Share components;                          ///< processes that are hit
  std::map<std::string, Share> services;     ///< instances, by service; only what is hit
  std::map<std::string, Share> stores;       ///< nodes, by cache or database; only what is hit
  std::map<std::string, std::string> roles;  ///< of the nodes that are hit, where they have one
};

/// Of one fault, by the world that it was planned on.
Radius radius_of(const faults::Plan& plan, const targets::World& world);
/// Adds what is in force at the same time.
void join(Radius& radius, const Radius& other);
/// Makes `widest` as large as the larger of both, each measure by itself.
void widen(Radius& widest, const Radius& other);

/// Everything that a plan touches, by name: "zone a", "component a-db", "host a-db",
/// "database orders", "service app", and what it claims besides.
std::set<std::string> touched_by(const faults::Plan& plan, const targets::World& world);
/// Every name that `touched_by` may have on this world.
std::set<std::string> touchable(const targets::World& world);

void to_json(targets::Json& out, const Radius& radius);

}  // namespace faultline::engine
