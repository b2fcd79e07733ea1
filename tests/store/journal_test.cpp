#include "orchestrator/store/journal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faultline::store {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    std::string name = (fs::temp_directory_path() / "faultline-journal-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    file_ = folder_ / "orchestrator.journal";
  }
  ~JournalTest() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string bytes() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void put(std::string_view bytes) const {
    std::ofstream out(file_, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  /// Writes the records and returns the file's size after each, beginning with the empty journal.
  std::vector<std::size_t> write(const std::vector<Json>& records) const {
    auto journal = FileJournal::open(file_).value();
    std::vector<std::size_t> sizes{fs::file_size(file_)};
    for (const auto& record : records) {
      journal->write(record).value();
      sizes.push_back(fs::file_size(file_));
    }
    return sizes;
  }

  fs::path folder_, file_;
  const std::vector<Json> three_{{{"intended", "a"}, {"undo", {{"kind", "process.kill"}}}},
                                 {{"applied", "a"}},
                                 {{"reverted", "a"}, {"words", "wieder da: äöü"}}};
};

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
  auto journal = FileJournal::open(file_).value();
  journal->write(three_[0]).value();
  EXPECT_EQ(read_journal(file_).value().records.size(), 1u);
}

TEST_F(JournalTest, ATearAtAnyByteLosesOnlyTheRecordItTore) {
  const auto sizes = write(three_);
  const auto all = bytes();
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    put(all.substr(0, cut));
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

TEST_F(JournalTest, AFlippedBitAnywhereIsNeverTakenForARecord) {
  const auto sizes = write(three_);
  const auto all = bytes();
  for (std::size_t at = 0; at < all.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = all;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      put(changed);
      const auto read = read_journal(file_);
      if (at < sizes[0]) {
        ASSERT_FALSE(read) << "not a journal any more: byte " << at;
        continue;
      }
      std::size_t whole = 0;
      while (sizes[whole + 1] <= at) {
        ++whole;
      }
      const std::vector<Json> expected(three_.begin(), three_.begin() + static_cast<long>(whole));
      ASSERT_EQ(read.value().records, expected) << "byte " << at << " bit " << bit;
      ASSERT_EQ(read.value().torn_bytes, all.size() - sizes[whole]);
    }
  }
}

TEST_F(JournalTest, AForeignFileIsNeitherReadNorOverwritten) {
  put("SQLite format 3, or a letter to somebody");
  const auto before = bytes();
  EXPECT_THAT(read_journal(file_).error().message, HasSubstr("expected a faultline journal"));
  EXPECT_EQ(FileJournal::open(file_).error().kind, ErrorKind::io);
  EXPECT_EQ(bytes(), before);
}

TEST_F(JournalTest, ASecondWriterIsRefusedAndToldWhoHasIt) {
  auto first = FileJournal::open(file_).value();
  const auto second = FileJournal::open(file_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::refused);
  EXPECT_THAT(second.error().message, HasSubstr("process " + std::to_string(::getpid()) + " "));
  first.reset();
  EXPECT_TRUE(FileJournal::open(file_)) << "the lock ends with its holder";
}

TEST_F(JournalTest, AnUnusablePlaceIsAnErrorThatSaysWhatToDo) {
  const auto missing = FileJournal::open(folder_ / "nowhere" / "j");
  EXPECT_EQ(missing.error().kind, ErrorKind::io);
  EXPECT_THAT(missing.error().message, HasSubstr((folder_ / "nowhere" / "j").string()));
  EXPECT_THAT(missing.error().message, HasSubstr("create its folder"));
  EXPECT_EQ(FileJournal::open(folder_).error().kind, ErrorKind::io) << "a folder";
  fs::create_symlink("/dev/full", file_);
  EXPECT_FALSE(FileJournal::open(file_)) << "a device behind a link";
}

TEST_F(JournalTest, ARecordAboveTheLimitIsRefusedWhole) {
  auto journal = FileJournal::open(file_).value();
  EXPECT_EQ(journal->write({{"text", std::string(1 << 20, 'x')}}).error().kind, ErrorKind::usage);
  journal->write(three_[0]).value();
  EXPECT_EQ(read_journal(file_).value().records, std::vector<Json>{three_[0]});
}

TEST_F(JournalTest, TextThatIsNotUtf8IsStillWritten) {
  write({{{"log", "broken \xff byte"}}});
  EXPECT_EQ(read_journal(file_).value().records.size(), 1u);
}

/// Lets no file of this process grow beyond `bytes`: what a full disk does, without one.
class DiskLimit {
 public:
  explicit DiskLimit(std::size_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limited{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limited);
  }
  ~DiskLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  DiskLimit(const DiskLimit&) = delete;
  DiskLimit& operator=(const DiskLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_F(JournalTest, AFullDiskAtAnyByteOfARecordLeavesTheJournalSound) {
  const auto sizes = write(three_);
  for (std::size_t room = sizes[1]; room < sizes[2]; ++room) {
    fs::remove(file_);
    auto journal = FileJournal::open(file_).value();
    journal->write(three_[0]).value();
    {
      const DiskLimit full(room);
      const auto appended = journal->write(three_[1]);
      ASSERT_FALSE(appended) << "room for " << room << " bytes";
      EXPECT_EQ(appended.error().kind, ErrorKind::io);
      EXPECT_THAT(appended.error().message, HasSubstr(file_.string()));
      EXPECT_THAT(appended.error().message, HasSubstr("limit"));
    }
    ASSERT_EQ(fs::file_size(file_), sizes[1]) << "cut back to the last whole record";
    journal->write(three_[2]).value();
    EXPECT_EQ(read_journal(file_).value().records, (std::vector<Json>{three_[0], three_[2]}));
  }
}

TEST_F(JournalTest, AFullDiskAtCreationIsAnErrorAndTheNextOpenSucceeds) {
  {
    const DiskLimit full(3);
    EXPECT_EQ(FileJournal::open(file_).error().kind, ErrorKind::io);
  }
  EXPECT_TRUE(FileJournal::open(file_));
}

/// What `kill -9` between two appends leaves: the child never returns from its last append.
TEST_F(JournalTest, WhatWasAppendedSurvivesTheDeathOfItsWriter) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto journal = FileJournal::open(file_);
    if (journal && (*journal)->write(three_[0])) {
      ::raise(SIGKILL);
    }
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(read_journal(file_).value().records, std::vector<Json>{three_[0]});
  EXPECT_TRUE(FileJournal::open(file_)) << "its lock died with it";
}

}  // namespace
}  // namespace faultline::store
