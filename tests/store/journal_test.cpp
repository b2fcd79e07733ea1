#include "tests/fake/disk_limit.hpp"
#include "tests/store/journal_fixture.hpp"

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

namespace faultline::store {
namespace {

using testing::HasSubstr;

TEST_F(JournalTest, GivesBackWhatWasAppendedInItsOrder) {
  write(three_);
  const auto read = read_journal(file_).value();
  EXPECT_EQ(read.records, three_);
  EXPECT_EQ(read.torn_bytes, 0u);
}

TEST_F(JournalTest, GoesOnWhereAnEarlierWriterStopped) {
  write({three_[0]});
  write({three_[1]});
  EXPECT_EQ(read_journal(file_).value().records, (std::vector<Json>{three_[0], three_[1]}));
}

TEST_F(JournalTest, AMissingFileIsAnEmptyJournal) {
  EXPECT_TRUE(read_journal(file_).value().records.empty());
  EXPECT_FALSE(fs::exists(file_)) << "reading must not create it";
}

TEST_F(JournalTest, IsReadableWhileItsWriterLives) {
  auto journal = open().value();
  append(*journal, three_[0]).value();
  EXPECT_EQ(read_journal(file_).value().records.size(), 1u);
}

TEST_F(JournalTest, ATearAtAnyByteLosesOnlyTheRecordItTore) {
  const auto sizes = write(three_);
  const auto all = bytes(file_);
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    put(file_, all.substr(0, cut));
    std::size_t whole = 0;
    while (whole < three_.size() && sizes[whole + 1] <= cut) {
      ++whole;
    }
    std::vector<Json> expected(three_.begin(), three_.begin() + static_cast<long>(whole));
    EXPECT_EQ(read_journal(file_).value().records, expected) << "cut at " << cut;

    write({{{"after", "the tear"}}});
    expected.push_back({{"after", "the tear"}});
    const auto read = read_journal(file_).value();
    EXPECT_EQ(read.records, expected) << "appended after a cut at " << cut;
    EXPECT_EQ(read.torn_bytes, 0u);
  }
}

TEST_F(JournalTest, AFlippedBitAnywhereLosesOnlyItsRecordAndIsReported) {
  const auto sizes = write(three_);
  const auto all = bytes(file_);
  for (std::size_t at = 0; at < all.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = all;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      put(file_, changed);
      const auto read = read_journal(file_).value();
      std::size_t hit = 0;  // 0: the magic; else the record of that number, from 1
      while (sizes[hit] <= at) {
        ++hit;
      }
      auto expected = three_;
      if (hit > 0) {
        expected.erase(expected.begin() + static_cast<long>(hit) - 1);
      }
      ASSERT_EQ(read.records, expected) << "byte " << at << " bit " << bit;
      const auto from = hit == 0 ? 0 : sizes[hit - 1];
      const auto length = hit == 0 ? sizes[0] : sizes[hit] - sizes[hit - 1];
      if (hit == three_.size() && at < from + 8 && read.damage.empty()) {
        ASSERT_EQ(read.torn_bytes, length) << "its mark or its length: nobody can tell from a tear";
        continue;
      }
      ASSERT_EQ(read.damage.size(), 1u) << "byte " << at << " bit " << bit;
      EXPECT_EQ(read.torn_bytes, 0u);
      EXPECT_EQ(read.damage[0].offset, from);
      EXPECT_EQ(read.damage[0].bytes, length);
      EXPECT_EQ(read.damage[0].records_after, three_.size() - hit);
    }
  }
}

TEST_F(JournalTest, AppendingBehindDamageKeepsIt) {
  const auto sizes = write(three_);
  auto changed = bytes(file_);
  changed[sizes[0] + 20] ^= 1;
  put(file_, changed);
  write({step("closed", "a")});
  const auto read = read_journal(file_).value();
  EXPECT_EQ(read.records, (std::vector<Json>{three_[1], three_[2], step("closed", "a")}));
  EXPECT_EQ(read.damage.at(0).records_after, 3u);
}

TEST_F(JournalTest, ManyDamagedPlacesAreFoundAndTheRestIsRead) {
  const std::vector<Json> many(300, step("applied", "a"));
  const auto sizes = write(many);
  auto changed = bytes(file_);
  for (std::size_t i = 0; i + 1 < many.size(); i += 2) {
    changed[sizes[i] + 1] ^= 1;
  }
  put(file_, changed);
  const auto read = read_journal(file_).value();
  EXPECT_EQ(read.records.size(), 150u);
  EXPECT_EQ(read.damage.size(), 100u) << "told; nobody reads more";
  EXPECT_EQ(read.damage.back().offset + read.damage.back().bytes, sizes[299]);
}

TEST_F(JournalTest, AMarkInsideARecordIsNoRecord) {
  Json record = step("note", "a");
  record["text"] = "\xFF\x46\x4C\x52 not UTF-8, so replaced when written";
  write({record});
  EXPECT_EQ(bytes(file_).find("\xFF", 9), std::string::npos);
  EXPECT_EQ(read_journal(file_).value().records.size(), 1u);
}

TEST_F(JournalTest, AnOlderOrNewerFormatIsRefusedByName) {
  put(file_, "FLJRNL1\n\x02\0\0\0and so on");
  EXPECT_THAT(
      read_journal(file_).error().message,
      AllOf(HasSubstr("older faultline"), HasSubstr("`faultline recover` of that version")));
  put(file_, "FLJRNL3\n");
  EXPECT_THAT(open().error().message, HasSubstr("one of a newer faultline"));
  put(file_, "FLJRN");
  EXPECT_TRUE(open()) << "torn at its creation";
}

TEST_F(JournalTest, AForeignFileIsNeitherReadNorOverwritten) {
  put(file_, "SQLite format 3, or a letter to somebody");
  const auto before = bytes(file_);
  EXPECT_THAT(read_journal(file_).error().message, HasSubstr("expected a faultline journal"));
  EXPECT_EQ(open().error().kind, ErrorKind::io);
  EXPECT_EQ(bytes(file_), before);
}

TEST_F(JournalTest, ASecondWriterIsRefusedAndToldWhoHasIt) {
  auto first = open().value();
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::refused);
  EXPECT_THAT(second.error().message, HasSubstr("process " + std::to_string(::getpid()) + " "));
  first.reset();
  EXPECT_TRUE(open()) << "the lock ends with its holder";
}

TEST_F(JournalTest, AnUnusablePlaceIsAnErrorThatSaysWhatToDo) {
  const auto missing = FileJournal::open(folder_ / "nowhere" / "j", io_.get_executor());
  EXPECT_EQ(missing.error().kind, ErrorKind::io);
  EXPECT_THAT(missing.error().message, HasSubstr((folder_ / "nowhere" / "j").string()));
  EXPECT_THAT(missing.error().message, HasSubstr("create its folder"));
  EXPECT_EQ(FileJournal::open(folder_, io_.get_executor()).error().kind, ErrorKind::io)
      << "a folder";
  fs::create_symlink("/dev/full", file_);
  EXPECT_FALSE(open()) << "a device behind a link";
}

TEST_F(JournalTest, ARecordAboveTheLimitIsRefusedWhole) {
  auto journal = open().value();
  EXPECT_EQ(append(*journal, {{"text", std::string(1 << 20, 'x')}}).error().kind, ErrorKind::usage);
  append(*journal, three_[0]).value();
  EXPECT_EQ(read_journal(file_).value().records, std::vector<Json>{three_[0]});
}

TEST_F(JournalTest, TextThatIsNotUtf8IsStillWritten) {
  write({{{"log", "broken \xff byte"}}});
  EXPECT_EQ(read_journal(file_).value().records.size(), 1u);
}

TEST_F(JournalTest, AFullDiskAtAnyByteOfARecordLeavesTheJournalSound) {
  const auto sizes = write(three_);
  for (std::size_t room = sizes[1]; room < sizes[2]; ++room) {
    fs::remove(file_);
    auto journal = open().value();
    append(*journal, three_[0]).value();
    {
      const fake::DiskLimit full(room);
      const auto appended = append(*journal, three_[1]);
      ASSERT_FALSE(appended) << "room for " << room << " bytes";
      EXPECT_EQ(appended.error().kind, ErrorKind::io);
      EXPECT_THAT(appended.error().message, HasSubstr(file_.string()));
      EXPECT_THAT(appended.error().message, HasSubstr("limit"));
    }
    ASSERT_EQ(fs::file_size(file_), sizes[1]) << "cut back to the last whole record";
    append(*journal, three_[2]).value();
    EXPECT_EQ(read_journal(file_).value().records, (std::vector<Json>{three_[0], three_[2]}));
  }
}

TEST_F(JournalTest, AFullDiskAtCreationIsAnErrorAndTheNextOpenSucceeds) {
  {
    const fake::DiskLimit full(3);
    EXPECT_EQ(open().error().kind, ErrorKind::io);
  }
  EXPECT_TRUE(open());
}

/// What `kill -9` between two appends leaves: the child never returns from its last append.
TEST_F(JournalTest, WhatWasAppendedSurvivesTheDeathOfItsWriter) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto journal = open();
    if (journal && append(**journal, three_[0])) {
      ::raise(SIGKILL);
    }
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(read_journal(file_).value().records, std::vector<Json>{three_[0]});
  EXPECT_TRUE(open()) << "its lock died with it";
}

}  // namespace
}  // namespace faultline::store
