#pragma once

#include "orchestrator/report/record.hpp"

#include <string>
#include <vector>

namespace faultline::report {

/// The processes that used most of a core at some second of the faults, the busiest first; those of
/// which nothing is known are left out.
std::vector<Json> busiest(const Json& record, std::size_t at_most);
/// "CPU and memory of every node stayed low: at most 12 % of a core (a-spot) and 31 MiB (b-spot)";
/// without the judgement where they did not. Empty when nothing is known.
std::string usage_in_words(const Json& record);
/// "44 % idle, 51 % used by the environment, 5 % by other programs", and for how long they left
/// nothing. Empty when nothing is known.
std::string machine_in_words(const Json& record);
/// "31 MiB".
std::string brief_bytes(double bytes);

}  // namespace faultline::report
