#include "orchestrator/engine/arrivals.hpp"

#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faultline::engine {
namespace {

constexpr double tolerated_share = 0.02;  // as much as a worker may fall behind its rate
constexpr double tolerated_s = 2;         // counters are read once a second, of a round before

}  // namespace

void Arrivals::look(const targets::World& world) {
  for (const auto& component : world.components) {
    if (!component.requests) {
      continue;
    }
    const auto now = *component.requests;
    const auto [found, is_first] = by_address_.try_emplace({component.address, component.port},
                                                           Counted{component.name, 0, now});
    auto& counted = found->second;
    if (!is_first) {
      counted.arrived += now >= counted.last ? now - counted.last : now;
      counted.last = now;
    }
  }
}

std::string Arrivals::problem(const Probes& probes) const {
  for (const auto& [address, counted] : by_address_) {
    std::vector<std::string> names;
    std::uint64_t claimed = 0;
    double rate_per_s = 0;
    for (const auto& m : probes.all()) {
      const auto& args = m.probe.args;
      if (!args.is_object() || args.value("host", std::string()) != address.first ||
          args.value("port", 0) != address.second) {
        continue;
      }
      const auto& samples = m.series.samples();
      const auto bad = std::ranges::count(samples, slo::Class::bad, &slo::Sample::result);
      claimed += samples.size() - static_cast<std::size_t>(bad);
      rate_per_s += m.probe.rate_per_s;
      names.push_back(m.probe.name);
    }
    const double tolerated =
        std::max(tolerated_share * static_cast<double>(claimed), tolerated_s * rate_per_s);
    if (static_cast<double>(claimed) > static_cast<double>(counted.arrived) + tolerated) {
      return fmt::format("{} say that {} requests were answered, but only {} reached {}",
                         list_in_words(names), claimed, counted.arrived, counted.component);
    }
  }
  return {};
}

}  // namespace faultline::engine
