#pragma once

#include "orchestrator/store/journal.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <unistd.h>

namespace faultline::store {

namespace fs = std::filesystem;

inline Json intended(const std::string& fault, const std::string& run = "r1") {
  return {{"type", "intended"}, {"fault", fault},  {"run", run},
          {"epoch", 7},         {"undo", "start"}, {"may_move", Json::array()}};
}
inline Json step(const std::string& type, const std::string& fault) {
  return {{"type", type}, {"fault", fault}};
}

/// A journal file in a folder of its own.
class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    std::string name = (fs::temp_directory_path() / "faultline-journal-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    file_ = folder_ / "r1.journal";
  }
  ~JournalTest() override { fs::remove_all(folder_); }

  [[nodiscard]] static std::string bytes(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void put(const fs::path& file, std::string_view bytes) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  Result<std::unique_ptr<FileJournal>> open() {
    return FileJournal::open(file_, io_.get_executor());
  }
  /// Appends, and waits until it is on the disk or failed.
  Result<> append(FileJournal& journal, const Json& record) {
    std::optional<Result<>> answer;
    journal.append(record, [&](const Result<>& result) { answer = result; });
    EXPECT_FALSE(answer) << "answered from inside the call";
    io_.restart();
    while (!answer && io_.run_one() > 0) {
    }
    return answer.value_or(Error{ErrorKind::io, "never answered"});
  }
  /// Writes the records and returns the file's size after each, beginning with the empty journal.
  std::vector<std::size_t> write(const std::vector<Json>& records) {
    auto journal = open().value();
    std::vector<std::size_t> sizes{fs::file_size(file_)};
    for (const auto& record : records) {
      append(*journal, record).value();
      sizes.push_back(fs::file_size(file_));
    }
    return sizes;
  }

  boost::asio::io_context io_;
  fs::path folder_, file_;
  const std::vector<Json> three_{
      intended("a"), step("applied", "a"), {{"type", "note"}, {"words", "wieder da: äöü"}}};
};

}  // namespace faultline::store
