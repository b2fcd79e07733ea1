#include "targets/lab/database/node_data.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <unistd.h>

/// A node's data through restarts of its machine, whenever it was killed.
namespace faultline::database {
namespace {

namespace fs = std::filesystem;

struct NodeDataTest : testing::Test {
  fs::path top = fs::temp_directory_path() / ("faultline-data-" + std::to_string(::getpid()));
  fs::path folder = top / "a-db";

  void SetUp() override { write(top / "template" / "rows", "template"); }
  void TearDown() override { fs::remove_all(top); }

  static void write(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  static std::string read(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] NodeData machine() const { return {folder, top / "template", 7}; }
  [[nodiscard]] std::string rows() const { return read(folder / "data" / "rows"); }
  [[nodiscard]] bool tidy() const {
    return !fs::exists(folder / "data.old") && !fs::exists(folder / "data.draft");
  }
};

TEST_F(NodeDataTest, IsTheTemplateAtFirstAndStaysThroughARestart) {
  auto node = machine();
  ASSERT_TRUE(node.open());
  EXPECT_EQ(rows(), "template");
  EXPECT_EQ(node.id(), 7);
  write(folder / "data" / "rows", "orders");
  auto again = machine();
  ASSERT_TRUE(again.open());
  EXPECT_EQ(rows(), "orders");
  EXPECT_EQ(again.id(), 7);
}

TEST_F(NodeDataTest, IsReplacedUnderAnotherIdentityEachTime) {
  auto node = machine();
  ASSERT_TRUE(node.open());
  write(folder / "data" / "rows", "diverged");
  ASSERT_TRUE(node.replace());
  EXPECT_EQ(rows(), "template");
  EXPECT_EQ(node.id(), 107);
  ASSERT_TRUE(node.replace());
  EXPECT_EQ(machine().id(), 207) << "a restart knows it";
  EXPECT_TRUE(tidy());
}

TEST_F(NodeDataTest, KilledWhileItsOldDataIsRemovedItHasTheNewOneOnly) {
  write(folder / "server-id", "107\n");
  write(folder / "data" / "rows", "new");
  write(folder / "data.old" / "half", "diverged");
  auto node = machine();
  ASSERT_TRUE(node.open());
  EXPECT_EQ(rows(), "new");
  EXPECT_EQ(node.id(), 107);
  EXPECT_TRUE(tidy());
}

TEST_F(NodeDataTest, KilledBetweenOldAndNewDataItStartsFreshUnderTheNewIdentity) {
  write(folder / "server-id", "107\n");
  write(folder / "data.old" / "rows", "diverged");
  write(folder / "data.draft" / "rows", "temp");  // half a copy
  auto node = machine();
  ASSERT_TRUE(node.open());
  EXPECT_EQ(rows(), "template");
  EXPECT_EQ(node.id(), 107);
  EXPECT_TRUE(tidy());
}

TEST_F(NodeDataTest, KeepsItsDataWhenTheNewIdentityCannotBeWritten) {
  auto node = machine();
  ASSERT_TRUE(node.open());
  write(folder / "data" / "rows", "orders");
  fs::create_directory(folder / "server-id.draft");
  const auto replaced = node.replace();
  ASSERT_FALSE(replaced);
  EXPECT_NE(replaced.error().message.find("server-id.draft"), std::string::npos);
  EXPECT_EQ(rows(), "orders");
  EXPECT_EQ(node.id(), 7);
}

}  // namespace
}  // namespace faultline::database
