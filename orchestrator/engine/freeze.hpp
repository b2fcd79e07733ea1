#pragma once

#include "targets/clock.hpp"
#include "targets/error.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace faultline::engine {

/// Days on which nothing is injected, in UTC: whole days, the last one included.
struct Freeze {
  std::optional<std::chrono::sys_days> from, to;  ///< neither: at any date
  std::set<unsigned> days;                        ///< 0 is Sunday, 6 Saturday; empty: every day
  std::string reason;                             ///< for people; may be empty

  [[nodiscard]] bool covers(WallTime time) const;
};

/// "2026-12-24". Error `usage` when there is no such day.
Result<std::chrono::sys_days> parse_date(std::string_view text);
/// "sat-sun", "fri", "mon, wed-thu". Error `usage` names the nearest day.
Result<std::set<unsigned>> parse_days(std::string_view text);

/// "2026-12-24 to 2027-01-02 UTC (end of the year)", "sat, sun UTC".
std::string in_words(const Freeze& freeze);
/// "Thu 2026-12-24 10:05 UTC".
std::string day_in_words(WallTime time);

}  // namespace faultline::engine
