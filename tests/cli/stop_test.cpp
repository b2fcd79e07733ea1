#include "orchestrator/cli/control.hpp"
#include "orchestrator/cli/stop_file.hpp"
#include "tests/cli/folder.hpp"

#include <boost/asio/post.hpp>
#include <gmock/gmock.h>

#include <thread>

/// How people stop what runs: `faultline abort`, and a file STOP in the home.
namespace faultline::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(StopFile, IsNotThereUsually) {
  EXPECT_EQ(stop_file(Folder().path()), "");
}

TEST(StopFile, SaysWhoseFileItIsWhyAndHowToRemoveIt) {
  const Folder home;
  const auto file = home.write("STOP", "release of the year\nask Ann\n");
  EXPECT_EQ(stop_file(home.path()),
            "stopped by " + file + " (release of the year); to allow runs again: rm " + file);
}

TEST(StopFile, StopsWithoutAReasonAndWhateverItIs) {
  const Folder home;
  home.write("STOP", "");
  EXPECT_THAT(stop_file(home.path()), HasSubstr("it gives no reason"));
  std::filesystem::remove(home.path() / "STOP");
  std::filesystem::create_directory(home.path() / "STOP");
  EXPECT_THAT(stop_file(home.path()), HasSubstr("it gives no reason"));
  std::filesystem::remove(home.path() / "STOP");
  std::filesystem::create_symlink("nowhere", home.path() / "STOP");
  EXPECT_THAT(stop_file(home.path()), HasSubstr("it gives no reason"));
}

TEST(StopFile, StopsWhenNobodyCanTellWhetherItIsThere) {
  const Folder folder;
  const std::filesystem::path no_folder = folder.write("home", "a file");
  EXPECT_THAT(stop_file(no_folder),
              AllOf(HasSubstr((no_folder / "STOP").string()), HasSubstr("Not a directory"),
                    HasSubstr("set FAULTLINE_HOME")));
  std::filesystem::create_symlink("loop", folder.path() / "loop");
  EXPECT_THAT(stop_file(folder.path() / "loop"), HasSubstr("nobody can tell"));
  EXPECT_EQ(stop_file(folder.path() / "not made yet"), "");
}

/// A run that can be aborted, on a loop of its own.
class Running {
 public:
  explicit Running(const Folder& home, const std::string& id = "r1")
      : socket_(io_, home.path(), id, [this](const std::string& reason) {
          socket_.over(exit_code, "aborted: " + reason);
        }) {
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Running() {
    io_.stop();
    thread_.join();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  int exit_code = 4;

 private:
  boost::asio::io_context io_;
  ControlSocket socket_;
  std::thread thread_;
};

TEST(Abort, WaitsUntilTheRunIsOverAndSaysHowItEnded) {
  const Folder home;
  const Running run(home);
  const auto said = abort_runs(home.path(), "", "by hand");
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].run, "r1");
  EXPECT_EQ(said[0].exit_code, 4);
  EXPECT_EQ(said[0].words, "aborted: by hand");
}

TEST(Abort, TellsAnIncompleteUndo) {
  const Folder home;
  Running run(home);
  run.exit_code = 5;
  EXPECT_EQ(abort_runs(home.path(), "", "by hand").at(0).exit_code, 5);
}

TEST(Abort, StopsOnlyTheRunThatIsNamed) {
  const Folder home;
  const Running one(home, "20261121-1"), other(home, "20261120-2");
  const auto said = abort_runs(home.path(), "20261121", "by hand");
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].run, "20261121-1");
}

TEST(Abort, FindsNothingInAHomeWithoutRuns) {
  EXPECT_TRUE(abort_runs(Folder().path(), "", "by hand").empty());
}

TEST(Abort, DoesNotWaitForAProcessThatHangs) {
  const Folder home;
  boost::asio::io_context hangs;  // nobody runs it
  const ControlSocket socket(hangs, home.path(), "r1", [](const std::string&) {});
  const auto said = abort_runs(home.path(), "", "by hand");
  ASSERT_EQ(said.size(), 1u);
  EXPECT_FALSE(said[0].exit_code);
  EXPECT_THAT(said[0].words, AllOf(HasSubstr("does not answer"), HasSubstr("guard")));
}

}  // namespace
}  // namespace faultline::cli
