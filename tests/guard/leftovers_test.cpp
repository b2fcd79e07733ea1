#include "orchestrator/guard/leftovers.hpp"

#include "targets/net/asio_clock.hpp"
#include "tests/fake/disk_limit.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <unistd.h>

/// What cannot be put back, in real files: held, or accepted by somebody.
namespace faultline::guard {
namespace {

namespace fs = std::filesystem;
using engine::Json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Of an environment that nobody here can reach: it stays as it is.
Json intended(const std::string& fault, const std::string& resource) {
  return {{"type", "intended"},
          {"fault", fault},
          {"kind", "zone_loss"},
          {"run", "r1"},
          {"epoch", 7},
          {"target", {{"target", "mars"}}},
          {"actions", Json::array()},
          {"before", Json::object()},
          {"may_move", Json::array()},
          {"resources", {resource}}};
}

class LeftoversTest : public testing::Test {
 protected:
  LeftoversTest() {
    std::string name = (fs::temp_directory_path() / "faultline-leftovers-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    journal_ = folder_ / "1.journal";
  }
  ~LeftoversTest() override { fs::remove_all(folder_); }

  void write(const std::vector<Json>& records) const {
    boost::asio::io_context io;
    const auto journal = store::FileJournal::open(journal_, io.get_executor()).value();
    for (const auto& record : records) {
      journal->append(record, [](const Result<>& written) { EXPECT_TRUE(written); });
    }
    io.run();
  }
  /// Flips a bit of the first record.
  void damage() const {
    std::fstream file(journal_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(store::magic.size()) + 30);
    file.put('\0');
  }
  Leftovers find(const std::optional<Acceptance>& accept = {}) const {
    boost::asio::io_context io;
    net::AsioClock clock(io.get_executor());
    std::optional<Result<Leftovers>> found;
    put_back(
        journal_, false,
        {.executor = io.get_executor(), .clock = clock, .who = "recover, pid 7", .accept = accept},
        [&](const auto& result) { found = result; });
    io.run();
    return found.value().value();
  }
  [[nodiscard]] std::vector<Json> recorded() const {
    return store::read_journal(store::undo_segment(journal_)).value().records;
  }

  const Acceptance zone_b_{.resource = "zone b", .reason = "rebuilt by hand", .who = "ann"};
  fs::path folder_, journal_;
};

TEST_F(LeftoversTest, WhatCannotBePutBackIsHeld) {
  write({intended("r1.f0", "zone b")});
  const auto found = find();
  EXPECT_THAT(found.lines, ElementsAre(HasSubstr("not put back: r1.f0 (zone_loss)")));
  EXPECT_THAT(found.residue, ElementsAre(HasSubstr("'mars'")));
  EXPECT_THAT(found.afterwards, IsEmpty());
  EXPECT_FALSE(found.spent());
}

TEST_F(LeftoversTest, WhatIsAcceptedIsOnTheDiskWithWhoAndWhy) {
  write({intended("r1.f0", "zone b")});
  const auto found = find(zone_b_);
  EXPECT_THAT(found.lines, ElementsAre(HasSubstr("accepted r1.f0 (zone_loss)")));
  EXPECT_TRUE(found.spent());
  ASSERT_EQ(recorded().size(), 1u);
  const auto record = recorded().front();
  EXPECT_EQ(record["type"], "accepted");
  EXPECT_EQ(record["by"], "ann");
  EXPECT_EQ(record["resource"], "zone b");
  EXPECT_EQ(record["reason"], "rebuilt by hand");
  ASSERT_EQ(found.afterwards.size(), 1u);
  EXPECT_EQ(found.afterwards[0].run, "r1");
  EXPECT_EQ(found.afterwards[0].at, record["at"]);
  EXPECT_THAT(found.afterwards[0].words,
              HasSubstr("zone_loss: accepted as it is, undo incomplete"));
}

TEST_F(LeftoversTest, WhatTheDiskRefusesIsNotAccepted) {
  write({intended("r1.f0", "zone b")});
  (void)find();  // the segment is there, and empty
  const auto size = fs::file_size(store::undo_segment(journal_));
  Leftovers found;
  {
    const fake::DiskLimit full(size + 20);
    found = find(zone_b_);
  }
  EXPECT_FALSE(found.spent());
  EXPECT_THAT(found.afterwards, IsEmpty());
  EXPECT_THAT(found.lines,
              ElementsAre(AllOf(HasSubstr("not put back: r1.f0"), HasSubstr("zone b is still held"),
                                HasSubstr("could not be recorded"), HasSubstr("ulimit -f"),
                                HasSubstr("then say the same again"))));
  EXPECT_THAT(recorded(), IsEmpty());
  EXPECT_TRUE(find(zone_b_).spent()) << "and so it is, when there is space again";
}

TEST_F(LeftoversTest, WhereNoSegmentCanBeMadeNothingIsAccepted) {
  write({intended("r1.f0", "zone b")});
  fs::create_directory(store::undo_segment(journal_));
  boost::asio::io_context io;
  net::AsioClock clock(io.get_executor());
  bool accepted = true;
  put_back(journal_, false,
           {.executor = io.get_executor(), .clock = clock, .who = "recover", .accept = zone_b_},
           [&](const Result<Leftovers>& found) {
             accepted = found && (found->spent() || !found->afterwards.empty());
           });
  io.run();
  EXPECT_FALSE(accepted);
}

TEST_F(LeftoversTest, ADamagedJournalIsHeldUntilItsEnvironmentWasLookedAt) {
  write({intended("r1.f0", "zone b"), {{"type", "closed"}, {"fault", "r1.f0"}}});
  EXPECT_TRUE(find().spent());
  damage();
  const auto found = find();
  EXPECT_THAT(found.lines,
              ElementsAre(HasSubstr("damaged: "),
                          AllOf(HasSubstr("not put back: 1.damaged-"),
                                HasSubstr("(damaged_journal), which holds journal 1: "),
                                HasSubstr("names the environment that was hit"))));
  EXPECT_FALSE(found.spent());
  EXPECT_FALSE(found.nothing_open) << "an orchestrator that hangs is not its owner any more";

  const auto accepted =
      find(Acceptance{.resource = "journal 1", .reason = "looked myself", .who = "ann"});
  EXPECT_TRUE(accepted.spent());
  ASSERT_EQ(accepted.afterwards.size(), 1u);
  EXPECT_EQ(accepted.afterwards[0].resource, "journal 1");
  EXPECT_TRUE(find().nothing_open);
}

TEST_F(LeftoversTest, OneOfTwoFaultsIsAcceptedAndTheOtherHeld) {
  write({intended("r1.f0", "zone b"), intended("r1.f1", "zone c")});
  const auto found = find(zone_b_);
  EXPECT_THAT(found.lines,
              ElementsAre(HasSubstr("accepted r1.f0"), HasSubstr("not put back: r1.f1")));
  EXPECT_FALSE(found.spent());
  EXPECT_THAT(found.runs, IsEmpty()) << "the run as a whole is not over";
  ASSERT_EQ(found.afterwards.size(), 1u);
  EXPECT_EQ(found.afterwards[0].resource, "zone b");
}

TEST_F(LeftoversTest, WhoeverComesNextTellsTheHistoryOfAnAcceptanceAgain) {
  write({intended("r1.f0", "zone b")});
  const auto first = find(zone_b_);
  const auto next = find();  // the first one died before it wrote to the history
  EXPECT_TRUE(next.nothing_open);
  EXPECT_THAT(next.lines, IsEmpty());
  const auto file = folder_ / "history.db";
  EXPECT_FALSE(tell(file, next).acceptances) << "there is no history: the journal must stay";
  store::History::open(file)
      .value()
      ->add({{"schema", "faultline.run/1"}, {"id", "r1"}, {"finished", "2026-11-20T12:00:00.000Z"}})
      .value();
  EXPECT_TRUE(tell(file, first).acceptances);
  EXPECT_TRUE(tell(file, next).acceptances);
  const auto record = store::History::open(file).value()->get("r1").value();
  ASSERT_EQ(record["afterwards"].size(), 1u) << "told twice, kept once";
  EXPECT_EQ(record["afterwards"][0]["by"], "ann");
}

TEST_F(LeftoversTest, AHistoryThatCannotBeWrittenIsAProblemAndLosesNoAcceptance) {
  write({intended("r1.f0", "zone b")});
  const auto found = find(zone_b_);
  fs::create_directory(folder_ / "history.db");
  const auto told = tell(folder_ / "history.db", found);
  EXPECT_FALSE(told.acceptances);
  EXPECT_FALSE(told.problems.empty());
}

}  // namespace
}  // namespace faultline::guard
