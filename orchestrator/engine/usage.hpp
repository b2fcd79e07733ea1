#pragma once

#include "targets/target.hpp"

#include <map>
#include <optional>
#include <string>

namespace faultline::engine {

/// What each process of the environment used while a fault was in force. Pure: it is shown the
/// world now and then.
class Usage {
 public:
  /// A time that lies between two looks counts when `counts` is true at the later one.
  void look(const targets::World& world, Instant now, bool counts);
  /// [{"name", "kind", "cpu_percent_mean", "cpu_percent_max" (of one core), "memory_max_bytes"}];
  /// null where it was never seen running for a whole look.
  [[nodiscard]] targets::Json record() const;

 private:
  struct Used {
    std::string kind;
    std::optional<std::uint64_t> cpu_ms;  ///< at the last look
    double cpu_sum_ms = 0, time_sum_ms = 0, cpu_percent_max = 0;
    std::uint64_t memory_max_bytes = 0;
  };
  std::map<std::string, Used> used_;
  Instant last_{};
};

}  // namespace faultline::engine
