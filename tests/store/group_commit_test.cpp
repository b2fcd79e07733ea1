#include "tests/fake/manual_clock.hpp"
#include "tests/fake/simulated_disk.hpp"
#include "tests/store/journal_fixture.hpp"

/// The journal's queue and its rewriting, on a disk whose every move is decided here.
namespace faultline::store {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using Doing = fake::SimulatedDisk::Doing;

std::vector<Json> records_in(const std::string& bytes) {
  std::vector<Json> records;
  scan("test", source_of(bytes), [&](const Entry& entry) -> Result<> {
    records.push_back(Json::parse(entry.text));
    return {};
  }).value();
  return records;
}

/// A journal on a simulated disk.
class GroupCommit : public testing::Test {
 protected:
  GroupCommit() { start(); }

  /// A writer takes the journal over, as after a crash.
  void start() {
    auto made = std::make_unique<fake::SimulatedDisk>(clock_, platter_);
    disk_ = made.get();
    journal_ = std::make_unique<FileJournal>(std::move(made), io_.get_executor(), "test",
                                             read_state("test", source_of(*platter_)).value());
  }
  /// The answer is kept under the record's fault: "ok", or the error.
  void append(const Json& record) {
    const auto name = record.value("fault", "");
    journal_->append(record, [this, name](const Result<>& result) {
      answers_.push_back(name + (result ? " ok" : " failed"));
    });
  }
  void run_for(Duration time) {
    (void)clock_.run(
        io_, [] { return false; }, time);
    io_.restart();
    io_.poll();
  }
  void crash(std::size_t kept) {
    disk_->crash(kept);
    journal_.reset();
    io_.restart();
    io_.poll();
  }

  boost::asio::io_context io_;
  fake::ManualClock clock_;
  fake::SimulatedDisk::Platter platter_ = std::make_shared<std::string>(magic);
  fake::SimulatedDisk* disk_ = nullptr;
  std::unique_ptr<FileJournal> journal_;
  std::vector<std::string> answers_;
};

TEST_F(GroupCommit, WhatComesWhileTheDiskIsBusyIsWrittenTogetherInItsOrder) {
  for (const auto* fault : {"a", "b", "c", "d"}) {
    append(intended(fault));
  }
  EXPECT_TRUE(answers_.empty()) << "nothing is durable yet";
  run_for(1h);
  EXPECT_THAT(answers_, ElementsAre("a ok", "b ok", "c ok", "d ok"));
  EXPECT_EQ(disk_->commits, 2u) << "a alone, then the three that waited";
  EXPECT_EQ(records_in(*platter_).size(), 4u);
}

TEST_F(GroupCommit, WhatAnswersLeadToIsWrittenTogether) {
  std::function<void(int)> write = [&](int left) {
    journal_->append(step("applied", "a"), [&write, left](const Result<>&) {
      if (left > 0) {
        write(left - 1);
      }
    });
  };
  for (int writer = 0; writer < 32; ++writer) {
    write(9);
  }
  run_for(1h);
  EXPECT_EQ(records_in(*platter_).size(), 320u);
  EXPECT_LE(disk_->commits, 12u);
}

TEST_F(GroupCommit, ItMayEndBetweenABatchAndTheNext) {
  append(intended("a"));
  append(intended("b"));
  clock_.step();  // a is there, and nobody was told
  journal_.reset();
  EXPECT_EQ(records_in(*platter_).size(), 2u);
  io_.poll();
  EXPECT_THAT(answers_, ElementsAre("a ok", "b ok"));
}

TEST_F(GroupCommit, AFailedWriteFailsJustItsBatch) {
  disk_->torn = 30;
  int writes = 0;
  disk_->fails = [&](Doing doing) { return doing == Doing::commit && ++writes == 2 ? ENOSPC : 0; };
  append(intended("a"));
  append(intended("b"));
  append(intended("c"));
  run_for(3ms);  // a is there, b and c fail
  append(intended("d"));
  run_for(1h);
  EXPECT_THAT(answers_, ElementsAre("a ok", "b failed", "c failed", "d ok"));
  EXPECT_EQ(records_in(*platter_), (std::vector<Json>{intended("a"), intended("d")}));
}

TEST_F(GroupCommit, ATornTailThatCannotBeCutIsCutBeforeTheNextRecord) {
  bool broken = true;
  disk_->torn = 30;
  disk_->fails = [&](Doing) { return broken ? EIO : 0; };
  append(intended("a"));
  run_for(1h);
  EXPECT_EQ(platter_->size(), magic.size() + 30) << "torn";
  append(intended("b"));
  run_for(1h);
  broken = false;
  append(intended("c"));
  run_for(1h);
  EXPECT_THAT(answers_, ElementsAre("a failed", "b failed", "c ok"));
  EXPECT_EQ(records_in(*platter_), std::vector<Json>{intended("c")});
}

TEST_F(GroupCommit, ACrashAtAnyByteLosesOnlyWhatWasNotAnswered) {
  const auto size = encode(intended("a"))->size();
  for (std::size_t kept = 0; kept <= 3 * size; ++kept) {
    *platter_ = magic;
    answers_.clear();
    start();
    append(intended("a"));
    run_for(1h);
    for (const auto* fault : {"b", "c", "d"}) {
      append(intended(fault));
    }
    clock_.step();  // b is there
    io_.restart();
    io_.poll();  // c and d are on their way
    const auto answered = 2;
    crash(kept);
    start();
    append(intended("e"));
    run_for(1h);
    const auto records = records_in(*platter_);
    ASSERT_GE(records.size(), answered + 1u) << kept;
    EXPECT_EQ(records[0], intended("a"));
    EXPECT_EQ(records[1], intended("b"));
    EXPECT_EQ(records.back(), intended("e")) << "kept " << kept;
    EXPECT_EQ(records.size(), answered + 1 + std::min<std::size_t>(kept / size, 2));
    journal_.reset();
  }
}

TEST_F(GroupCommit, ItsDestructorWritesWhatIsQueued) {
  append(intended("a"));
  append(intended("b"));
  journal_.reset();
  EXPECT_EQ(records_in(*platter_).size(), 2u);
  io_.poll();
  EXPECT_THAT(answers_, ElementsAre("a ok", "b ok"));
}

TEST_F(GroupCommit, ATornOrEmptyDiskIsTakenOver) {
  *platter_ = "FLJ";
  start();
  append(intended("a"));
  run_for(1h);
  EXPECT_EQ(records_in(*platter_), std::vector<Json>{intended("a")});
}

/// A journal in which only "open" is open, one large record before it is rewritten.
class Compaction : public GroupCommit {
 protected:
  Compaction() {
    auto moved = with_size(intended("moved"), 1000);
    moved["may_move"] = {"cache sessions primary"};
    moved["epoch"] = 9;
    before_ = magic;
    for (const auto& record : {with_size(intended("open"), 1000), step("applied", "open"), moved,
                               step("closed", "moved")}) {
      before_ += *encode(record);
    }
    const auto closed =
        *encode(with_size(intended("c", "r2"), 50'000)) + *encode(step("closed", "c"));
    while (before_.size() + closed.size() < FileJournal::compact_above_bytes) {
      before_ += closed;
    }
    *platter_ = before_;
    start();
    append(last_);
  }
  static Json with_size(Json record, std::size_t bytes) {
    record["padding"] = std::string(bytes, 'x');
    return record;
  }
  /// Until the disk is asked for it.
  void run_until(Doing doing) {
    while (disk_->doing() != doing && clock_.step()) {
    }
    ASSERT_EQ(disk_->doing(), doing);
  }
  /// What recovery reads is the same as ever.
  void expect_open(const std::vector<Json>& more = {}) {
    std::vector<Json> open;
    read_state("test", source_of(*platter_)).value().open.each([&](const Entry& entry) {
      open.push_back(Json::parse(entry.text));
    });
    std::vector<Json> expected{with_size(intended("open"), 1000), step("applied", "open")};
    expected.insert(expected.end(), more.begin(), more.end());
    expected.push_back({{"type", "lasting"},
                        {"run", "r1"},
                        {"epoch", 9},
                        {"may_move", {"cache sessions primary"}}});
    EXPECT_EQ(open, expected);
  }

  const Json last_ = with_size(step("note", ""), 60'000);
  std::string before_;
};

TEST_F(Compaction, ALargeAndMostlyClosedJournalIsRewrittenWithWhatIsOpen) {
  run_for(1h);
  EXPECT_LT(platter_->size(), 3000u);
  expect_open();
  append(step("reverting", "open"));
  run_for(1h);
  expect_open({step("reverting", "open")});
}

TEST_F(Compaction, WhatIsAppendedMeanwhileComesAfterIt) {
  run_until(Doing::replace);
  append(intended("new"));
  append(step("applied", "new"));
  run_for(1h);
  EXPECT_LT(platter_->size(), 3000u);
  expect_open({intended("new"), step("applied", "new")});
}

TEST_F(Compaction, ACrashBeforeOrAfterTheExchangeLosesNothing) {
  for (const std::size_t happened : {0, 1}) {
    *platter_ = before_;
    start();
    append(last_);
    run_until(Doing::replace);
    append(intended("never answered"));
    crash(happened);
    EXPECT_EQ(platter_->size() < 3000, happened == 1);
    expect_open();
    start();
    run_for(1h);
    expect_open();
  }
}

TEST_F(Compaction, AFailureIsNoErrorAndItIsTriedAgainWhenItHasGrown) {
  int tries = 0;
  disk_->fails = [&](Doing doing) { return doing == Doing::replace && ++tries == 1 ? ENOSPC : 0; };
  run_for(1h);
  append(step("reverting", "open"));
  run_for(1h);
  EXPECT_GT(platter_->size(), FileJournal::compact_above_bytes);
  EXPECT_EQ(tries, 1);
  expect_open({step("reverting", "open")});
  for (int i = 0; i < 25 && tries < 2; ++i) {
    append(with_size(intended("x"), 50'000));
    append(step("closed", "x"));
    run_for(1h);
  }
  EXPECT_EQ(tries, 2);
  EXPECT_LT(platter_->size(), 110'000u);
}

TEST_F(Compaction, ADamagedJournalIsKeptAsItIs) {
  *platter_ = before_;
  (*platter_)[magic.size() + 2000] ^= 1;
  start();
  append(last_);
  run_for(1h);
  EXPECT_GT(platter_->size(), FileJournal::compact_above_bytes) << "what is damaged is evidence";
}

TEST_F(Compaction, AJournalThatIsMostlyOpenIsLeftAlone) {
  *platter_ = magic;
  start();
  for (int i = 0; i < 25; ++i) {
    append(with_size(intended("open-" + std::to_string(i)), 50'000));
  }
  run_for(1h);
  EXPECT_GT(platter_->size(), FileJournal::compact_above_bytes);
}

}  // namespace
}  // namespace faultline::store
