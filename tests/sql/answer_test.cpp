#include "targets/sql/answer.hpp"

#include <gtest/gtest.h>

namespace faultline::sql {
namespace {

using Kind = Failure::Kind;

TEST(Failure, IsWhatItMeansToACaller) {
  EXPECT_FALSE(Failure{});
  EXPECT_EQ(failure_of(1290, "", false).kind, Kind::read_only);
  EXPECT_EQ(failure_of(1045, "", true).kind, Kind::denied);
  EXPECT_EQ(failure_of(1040, "", true).kind, Kind::full);
  EXPECT_EQ(failure_of(1053, "", false).kind, Kind::ending);
  EXPECT_EQ(failure_of(1213, "", false).kind, Kind::locked);
  EXPECT_EQ(failure_of(1146, "", false).kind, Kind::other);
  EXPECT_EQ(failure_of(2013, "", false).kind, Kind::lost) << "from 2000 on it is the library's";
  EXPECT_EQ(failure_of(0, "", true).kind, Kind::lost) << "no login, and no word why";
}

TEST(Failure, SurelyDidNothingOnlyOnTheWordOfAServerThatStays) {
  EXPECT_TRUE(failure_of(1290, "", false).surely_not_done());
  EXPECT_TRUE(failure_of(1146, "", false).surely_not_done());
  EXPECT_FALSE(failure_of(2013, "", false).surely_not_done());
  EXPECT_FALSE(failure_of(1053, "", false).surely_not_done()) << "it may have committed before";
  EXPECT_FALSE(failure_of(1317, "", false).surely_not_done());
  EXPECT_FALSE((Failure{Kind::late}.surely_not_done()));
}

TEST(Failure, HasTheSystemsReasonWhereTheLibraryTellsIt) {
  EXPECT_EQ(failure_of(2002, "Can't connect to server on '10.0.1.30' (111)", true).system_error,
            111);
  EXPECT_EQ(failure_of(2013, "Lost connection to server at 'reading', system error: 104", false)
                .system_error,
            104);
  EXPECT_EQ(failure_of(2013, "Lost connection to server during query", false).system_error, 0);
}

TEST(Quoted, LeavesNothingThatWouldEndIt) {
  EXPECT_EQ(quoted("o-1"), "'o-1'");
  EXPECT_EQ(quoted("x' OR '1"), R"('x\' OR \'1')");
  EXPECT_EQ(quoted("\\"), R"('\\')");
  EXPECT_EQ(quoted(R"(it's \ "so")"), R"('it\'s \\ "so"')");
}

}  // namespace
}  // namespace faultline::sql
