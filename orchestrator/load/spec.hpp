#pragma once

#include "orchestrator/load/fields.hpp"
#include "targets/clock.hpp"

namespace faultline::load {

/// What one worker does: the first line of its input, see worker.hpp.
struct Spec {
  std::string probe, kind;
  double rate_per_s = 0;
  Duration deadline{};   ///< a request is given up so long after it was due
  Duration threshold{};  ///< an answer later than that is bad; at most the deadline
  std::uint64_t seed = 1;
  Json args;  ///< by kind
};

Result<Spec> parse_spec(std::string_view line);

/// Begins errors about a spec's args.
std::string where(const Spec& spec);

}  // namespace faultline::load
