#pragma once

#include "targets/target.hpp"

#include <optional>
#include <string>
#include <vector>

namespace faultline::engine {

/// Whether the machine under the environment was busy with something else, so that what was slow on
/// it tells nothing about the environment. Pure: it is shown the world now and then.
class MachineWatch {
 public:
  void look(const targets::World& world, Instant now);
  /// "machine too busy: in 14 of 30 s it had nothing left, while other programs used 58 % of it",
  /// where that was so for at least a quarter of the time between; else empty. Empty too where no
  /// machine tells of itself.
  [[nodiscard]] std::string disturbed(Instant from, Instant to) const;
  /// {"cpu_idle_percent", "cpu_own_percent", "cpu_others_percent" (means, of all cores),
  /// "disturbed_s"}; null where no machine tells of itself.
  [[nodiscard]] targets::Json record() const;

 private:
  /// Between two looks, as shares of the machine.
  struct Span {
    Instant from, to;
    double idle = 0, own = 0;
    [[nodiscard]] double others() const { return 1 - idle - own; }
    [[nodiscard]] bool disturbed() const;
  };
  struct Reading {
    Instant at;
    targets::Machine used;
  };
  std::optional<Reading> last_;
  std::vector<Span> spans_;
};

}  // namespace faultline::engine
