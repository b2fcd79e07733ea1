#include "orchestrator/store/file_disk.hpp"
#include "tests/store/journal_fixture.hpp"

namespace faultline::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A journal and the segment of whoever recovers it.
class SegmentsTest : public JournalTest {
 protected:
  void write_undo(const std::vector<Json>& records) {
    auto journal = FileJournal::open(undo_segment(file_), io_.get_executor()).value();
    for (const auto& record : records) {
      append(*journal, record).value();
    }
  }
  [[nodiscard]] std::vector<Json> read() const { return read_segments(file_).value().records; }
};

TEST_F(SegmentsTest, TheUndoSegmentStandsBesideItsJournal) {
  EXPECT_EQ(undo_segment("/home/journal/r1.journal"), "/home/journal/r1.undo.journal");
}

TEST_F(SegmentsTest, NothingWrittenIsNothingOpen) {
  EXPECT_TRUE(read().empty());
}

TEST_F(SegmentsTest, OnlyWhatIsOpenIsGiven) {
  write({intended("a"), step("applied", "a"), intended("b"), step("closed", "a"),
         step("applied", "b")});
  const Json left = {{"type", "lasting"}, {"run", "r1"}, {"epoch", 7}, {"may_move", Json::array()}};
  EXPECT_THAT(read(), ElementsAre(intended("b"), step("applied", "b"), left));
}

TEST_F(SegmentsTest, ARunWithoutOpenFaultsLeavesNothing) {
  write({intended("a"), intended("b", "r2"), step("closed", "a"), step("closed", "b")});
  EXPECT_TRUE(read().empty());
}

TEST_F(SegmentsTest, WhatARecoveryClosedIsClosedAndSaid) {
  write({intended("a"), intended("b", "r2")});
  const Json closed = {{"type", "closed"}, {"fault", "a"}, {"by", "guard, pid 12"}};
  write_undo({step("reverting", "a"), closed});
  EXPECT_THAT(read(), ElementsAre(intended("b", "r2"), closed));
}

TEST_F(SegmentsTest, TearsAndDamageAreSaidForEachFile) {
  const auto sizes = write({intended("a"), intended("b"), intended("c")});
  auto changed = bytes(file_);
  changed[sizes[0] + 30] ^= 1;
  put(file_, changed + "half a rec");
  write_undo({step("closed", "b")});
  const auto read = read_segments(file_).value();
  EXPECT_THAT(read.records,
              ElementsAre(testing::_, intended("c"), testing::_, step("closed", "b")));
  ASSERT_EQ(read.problems.size(), 2u);
  EXPECT_THAT(read.problems[0], AllOf(HasSubstr("offset 8 are no record, and 2 whole records"),
                                      HasSubstr("r1.journal")));
  EXPECT_THAT(read.problems[1], HasSubstr("its last 10 bytes are torn"));
}

/// A fault for whatever was lost, in the environment that the rest of the journal names.
TEST_F(SegmentsTest, WhatDamageTookIsHeldInTheEnvironmentThatAnyOtherRecordNames) {
  Json applied = step("applied", "a");
  applied.update({{"run", "r7"}, {"target", {{"target", "lab"}}}, {"epoch", 9}});
  Json later = step("reverting", "a");
  later["epoch"] = 8;
  const auto sizes = write({intended("a"), applied, later});
  auto changed = bytes(file_);
  changed[sizes[0] + 30] ^= 1;
  put(file_, changed);
  const auto fault = "r1.damaged-" + std::to_string(sizes[1] - sizes[0]);
  const Json lost = {
      {"type", "damaged"}, {"fault", fault},           {"kind", "damaged_journal"},
      {"run", "r7"},       {"resource", "journal r1"}, {"target", {{"target", "lab"}}},
      {"epoch", 9}};
  EXPECT_THAT(read(), ElementsAre(lost, applied, later));

  write_undo({step("closed", fault)});
  EXPECT_EQ(read().back(), step("closed", fault)) << "and it is closed as any fault";

  changed[sizes[1] + 30] ^= 1;
  put(file_, changed);
  EXPECT_NE(read().front()["fault"], fault) << "more damage may have taken more";
  EXPECT_EQ(read().front()["target"], Json::object()) << "nothing names it any more";
}

TEST_F(SegmentsTest, ATearAndADamagedUndoSegmentTookNoIntention) {
  write({intended("a")});
  put(file_, bytes(file_) + "half a rec");
  write_undo({step("reverting", "a"), step("reverted", "a")});
  auto changed = bytes(undo_segment(file_));
  changed[magic.size() + 20] ^= 1;
  put(undo_segment(file_), changed);
  EXPECT_THAT(read(), ElementsAre(intended("a"), step("reverted", "a")));
}

TEST_F(SegmentsTest, AForeignFileIsAnError) {
  put(file_, "a letter to somebody");
  EXPECT_THAT(read_segments(file_).error().message, HasSubstr("expected a faultline journal"));
}

TEST_F(SegmentsTest, ManyRecordsNeedMemoryForTheOpenOnesOnly) {
  OpenRecords open;
  for (int i = 0; i < 100'000; ++i) {
    const auto fault = "f" + std::to_string(i);
    for (const auto& record : {intended(fault), step("applied", fault), step("closed", fault)}) {
      open.take(*decode(*encode(record)));
    }
  }
  EXPECT_EQ(open.bytes(), 0u);
  open.each([](const Entry& entry) { ADD_FAILURE() << entry.text; });
}

/// The exchange of a rewritten file, on the real file system.
TEST_F(SegmentsTest, ARewriteTakesTheLockAlongAndLeavesNothingBeside) {
  write(three_);
  put(file_.string() + ".new", "what a crash left of an earlier rewrite");
  auto disk = FileDisk::open(file_).value();
  EXPECT_FALSE(fs::exists(file_.string() + ".new"));
  const auto small = std::string(magic) + *encode(intended("b"));
  std::optional<int> answer;
  disk->replace(small, [&](int error) { answer = error; });
  disk->finish();
  EXPECT_EQ(answer, 0);
  EXPECT_EQ(bytes(file_), small);
  EXPECT_EQ(open().error().kind, ErrorKind::refused) << "still ours";
  disk.reset();
  EXPECT_TRUE(open());
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(SegmentsTest, ARewriteThatFailsLeavesTheOldFile) {
  write(three_);
  const auto before = bytes(file_);
  auto disk = FileDisk::open(file_).value();
  fs::create_directory(file_.string() + ".new");
  std::optional<int> answer;
  disk->replace("short", [&](int error) { answer = error; });
  disk->finish();
  EXPECT_NE(answer, 0);
  EXPECT_EQ(bytes(file_), before);
}

TEST_F(SegmentsTest, AJournalThatGrewAndClosedIsSmallAgain) {
  auto journal = open().value();
  auto large = intended("a");
  large["padding"] = std::string(100'000, 'x');
  append(*journal, intended("open")).value();
  for (int i = 0; i < 11; ++i) {
    append(*journal, large).value();
    append(*journal, step("closed", "a")).value();
  }
  append(*journal, step("applied", "open")).value();
  EXPECT_LT(fs::file_size(file_), 300'000u);
  journal.reset();
  EXPECT_THAT(read()[0], intended("open"));
  EXPECT_THAT(read()[1], step("applied", "open"));
}

}  // namespace
}  // namespace faultline::store
