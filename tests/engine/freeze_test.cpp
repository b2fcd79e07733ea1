#include "orchestrator/engine/freeze.hpp"

#include <gmock/gmock.h>

namespace faultline::engine {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

WallTime at(const std::string& date, std::chrono::milliseconds time = 0ms) {
  return parse_date(date).value() + time;
}

TEST(Freeze, CoversItsFirstAndItsLastDayInUtc) {
  const Freeze holidays{.from = parse_date("2026-12-24").value(),
                        .to = parse_date("2027-01-02").value(),
                        .reason = "end of the year"};
  EXPECT_FALSE(holidays.covers(at("2026-12-24", -1ms)));
  EXPECT_TRUE(holidays.covers(at("2026-12-24")));
  EXPECT_TRUE(holidays.covers(at("2027-01-02", 24h - 1ms)));
  EXPECT_FALSE(holidays.covers(at("2027-01-03")));
  EXPECT_EQ(in_words(holidays), "2026-12-24 to 2027-01-02 UTC (end of the year)");
}

TEST(Freeze, ComesBackEveryWeek) {
  const Freeze weekends{.days = parse_days("sat-sun").value()};
  EXPECT_EQ(day_in_words(at("2026-11-21", 14h + 5min)), "sat 2026-11-21 14:05 UTC");
  EXPECT_TRUE(weekends.covers(at("2026-11-21")));
  EXPECT_TRUE(weekends.covers(at("2026-11-22", 24h - 1ms)));
  EXPECT_FALSE(weekends.covers(at("2026-11-23")));
  EXPECT_FALSE(weekends.covers(at("2026-11-20")));
}

TEST(Freeze, MayMeanDaysOfTheWeekBetweenTwoDates) {
  const Freeze fridays{.from = parse_date("2026-11-01").value(),
                       .to = parse_date("2026-11-30").value(),
                       .days = parse_days("fri").value()};
  EXPECT_TRUE(fridays.covers(at("2026-11-20")));
  EXPECT_FALSE(fridays.covers(at("2026-11-19")));
  EXPECT_FALSE(fridays.covers(at("2026-12-04")));
}

TEST(Freeze, DaysAreNamesAndRangesThatMayGoRoundTheWeek) {
  EXPECT_THAT(parse_days("fri-mon").value(), ElementsAre(0, 1, 5, 6));
  EXPECT_THAT(parse_days("mon, wed-thu").value(), ElementsAre(1, 3, 4));
  EXPECT_THAT(parse_days("son").error().message, HasSubstr("found 'son'; did you mean 'sun'?"));
  for (const auto* wrong : {"", "sat-", ",", "Sat", "sat sun"}) {
    EXPECT_FALSE(parse_days(wrong)) << wrong;
  }
}

TEST(Freeze, DatesAreRealOnes) {
  EXPECT_TRUE(parse_date("2028-02-29"));
  for (const auto* wrong : {"2026-02-29", "2026-13-01", "2026-1-1", "26-01-01", "2026/01/01",
                            "2026-01-0x", "2026-01-01T00:00Z", ""}) {
    EXPECT_FALSE(parse_date(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace faultline::engine
