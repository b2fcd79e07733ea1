#include "orchestrator/engine/arrivals.hpp"

#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faultline::engine {
namespace {

constexpr double tolerated_share = 0.02;  // as much as a worker may fall behind its rate
/// Counters are read once a second, of a round before, and one that begins anew takes with it what
/// it has counted since.
constexpr double tolerated_s = 2;

std::string place_of_address(const std::string& address, std::uint64_t port) {
  return fmt::format("{}:{}", address, port);
}

std::string place_of_cache(const std::string& cache) {
  return "cache " + cache;
}

std::vector<std::string> places_of(const targets::Component& component) {
  std::vector<std::string> places{place_of_address(component.address, component.port)};
  if (const auto cache = component.labels.find("cache"); cache != component.labels.end()) {
    places.push_back(place_of_cache(cache->second));
  }
  return places;
}

/// Where the probe's requests go: Sentinel says to which node of a cache.
std::string place_of(const Probe& probe) {
  return probe.args.is_object() && probe.args.contains("host")
             ? place_of_address(probe.args.value("host", ""),
                                probe.args.value("port", std::uint64_t{0}))
             : place_of_cache(probe.store);
}

/// As what a good answer must have been counted. Nobody tells the rows of sql_writes from those of
/// the service; they are read back.
std::string counted_as(const Probe& probe) {
  if (probe.kind == "http") {
    return "requests";
  }
  if (probe.kind == "redis_writes") {
    return "writes";
  }
  const bool on_a_new_connection_each = probe.kind == "redis" || probe.kind == "tcp";
  return on_a_new_connection_each ? "connections" : "";
}

std::uint64_t answered_by(const Probes::Measured& measured) {
  const auto& samples = measured.series.samples();
  const auto bad = std::ranges::count(samples, slo::Class::bad, &slo::Sample::result);
  return samples.size() - static_cast<std::size_t>(bad);
}

}  // namespace

void Arrivals::look(const targets::World& world) {
  for (const auto& component : world.components) {
    for (const auto& [what, now] : component.arrived) {
      auto& seen = components_[component.name];
      seen.places = places_of(component);
      const auto [found, is_first] = seen.counted.try_emplace(what, Counted{0, now, 0});
      auto& counted = found->second;
      if (!is_first) {
        const bool anew = now < counted.last;
        counted.arrived += anew ? now : now - counted.last;
        counted.restarts += anew ? 1 : 0;
        counted.last = now;
      }
    }
  }
}

std::string Arrivals::problem(const Probes& probes) const {
  for (const auto& claim : claims_of(probes)) {
    if (auto why = contradiction(claim); !why.empty()) {
      return why;
    }
  }
  return {};
}

bool Arrivals::Seen::counts(const Claim& claim) const {
  return counted.contains(claim.what) && std::ranges::any_of(places, [&](const std::string& place) {
           return claim.places.contains(place);
         });
}

/// Probes that reach the same component share its counter, so one claim is made of theirs: else
/// one that sends nothing hid behind one that does.
std::vector<Arrivals::Claim> Arrivals::claims_of(const Probes& probes) const {
  std::vector<Claim> claims;
  for (const auto& m : probes.all()) {
    claims.push_back({counted_as(m.probe),
                      {place_of(m.probe)},
                      {m.probe.name},
                      answered_by(m),
                      m.probe.rate_per_s});
  }
  for (const auto& [name, seen] : components_) {
    const auto shared =
        std::stable_partition(claims.begin(), claims.end(),
                              [&seen = seen](const Claim& claim) { return !seen.counts(claim); });
    std::map<std::string, Claim> together;
    for (auto claim = shared; claim != claims.end(); ++claim) {
      together[claim->what].add(*claim);
    }
    claims.erase(shared, claims.end());
    for (auto& [what, claim] : together) {
      claims.push_back(std::move(claim));
    }
  }
  return claims;
}

void Arrivals::Claim::add(const Claim& other) {
  what = other.what;
  places.insert(other.places.begin(), other.places.end());
  probes.insert(probes.end(), other.probes.begin(), other.probes.end());
  answered += other.answered;
  rate_per_s += other.rate_per_s;
}

std::string Arrivals::contradiction(const Claim& claim) const {
  std::vector<std::string> components;
  std::uint64_t arrived = 0;
  int restarts = 0;
  for (const auto& [name, seen] : components_) {
    if (seen.counts(claim)) {
      const auto& counted = seen.counted.at(claim.what);
      components.push_back(name);
      arrived += counted.arrived;
      restarts += counted.restarts;
    }
  }
  const auto answered = static_cast<double>(claim.answered);
  const double tolerated =
      std::max(tolerated_share * answered, tolerated_s * (1 + restarts) * claim.rate_per_s);
  if (components.empty() || answered <= static_cast<double>(arrived) + tolerated) {
    return {};
  }
  return fmt::format("{} {} that {} {} were answered, but only {} reached {}",
                     list_in_words(claim.probes), claim.probes.size() == 1 ? "says" : "say",
                     claim.answered, claim.what, arrived, list_in_words(components));
}

}  // namespace faultline::engine
