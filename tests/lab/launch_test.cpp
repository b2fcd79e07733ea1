#include "targets/lab/launch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace faultline::lab {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

/// A home, and beside it programs of the test's making.
class LaunchTest : public testing::Test {
 protected:
  LaunchTest() {
    std::string name = "/tmp/faultline-launch-XXXXXX";  // short: a socket's path has 107 bytes
    folder_ = ::mkdtemp(name.data());
    options_.home = folder_ / "home";
    options_.profile = "hardened";
    options_.program = folder_ / "faultline";
    options_.progress = [this](const std::string& doing) { progress_.push_back(doing); };
    write_program("faultline-saas", "exit 0");
  }
  ~LaunchTest() override { fs::remove_all(folder_); }

  void write_program(const std::string& name, const std::string& script) {
    std::ofstream(folder_ / name) << "#!/bin/sh\n" << script << '\n';
    ::chmod((folder_ / name).c_str(), 0755);
  }
  /// A supervisor that does `script`; $READY is the number of its ready descriptor, $LIFE that of
  /// its lifeline.
  void supervisor(const std::string& script) {
    write_program("faultline", R"(echo "$@" > )" + (folder_ / "argv").string() + R"(
while [ $# -gt 0 ]; do
  case $1 in --ready-fd) READY=$2;; --lifeline-fd) LIFE=$2;; esac
  shift
done
say() { eval "echo '$1' >&$READY"; }
)" + script);
  }
  [[nodiscard]] std::string read(const fs::path& file) const {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static bool is_gone(const net::Fd& process, int within_ms) {
    pollfd wait{process.get(), POLLIN, 0};
    return ::poll(&wait, 1, within_ms) == 1;
  }

  fs::path folder_;
  LaunchOptions options_;
  std::vector<std::string> progress_;
};

TEST_F(LaunchTest, StartsPid1AsRootOfItsOwnNamespacesAndReportsItsProgress) {
  supervisor(R"(
say '{"progress": "network"}'
say "{\"progress\": \"pid $$, uid $(id -u)\"}"
say '{"ready": true}'
eval "cat <&$LIFE")");
  options_.private_lab = true;
  auto lab = launch(options_);
  ASSERT_TRUE(lab) << lab.error().message;
  EXPECT_THAT(progress_, ElementsAre("network", "pid 1, uid 0"));
  EXPECT_THAT(read(folder_ / "argv"),
              HasSubstr("supervise --home " + options_.home.string() + " --programs " +
                        folder_.string() + " --profile hardened --ready-fd "));
  end(std::move(*lab));
}

TEST_F(LaunchTest, APrivateLabEndsWithItsLifeline) {
  supervisor(R"(say '{"ready": true}'
eval "cat <&$LIFE")");
  options_.private_lab = true;
  auto lab = launch(options_);
  ASSERT_TRUE(lab) << lab.error().message;
  EXPECT_FALSE(is_gone(lab->process, 0));
  lab->lifeline.reset();
  EXPECT_TRUE(is_gone(lab->process, 5000));
  end(std::move(*lab));
}

TEST_F(LaunchTest, AFailureIsToldInTheSupervisorsWordsAndNothingStays) {
  supervisor(R"(say '{"progress": "components"}'
say '{"error": "a-redis exited with code 1"}'
sleep 60)");
  const auto lab = launch(options_);
  ASSERT_FALSE(lab);
  EXPECT_THAT(lab.error().message, HasSubstr("a-redis exited with code 1"));
  supervisor(R"(say '{"ready": true}')");
  EXPECT_TRUE(launch(options_)) << "the failed lab still holds the home";
}

TEST_F(LaunchTest, ASupervisorThatDiesIsToldWithItsLastWords) {
  supervisor(R"(say '{"progress": "network"}'
echo 'cannot mount /proc' >&2
exit 1)");
  const auto lab = launch(options_);
  ASSERT_FALSE(lab);
  EXPECT_THAT(lab.error().message, HasSubstr("network"));
  EXPECT_THAT(lab.error().message, HasSubstr("cannot mount /proc"));
}

TEST_F(LaunchTest, ASupervisorThatHangsIsKilledAtTheLimit) {
  supervisor(R"(say '{"progress": "components"}'
exec sleep 60)");
  options_.limit = 200ms;
  const auto lab = launch(options_);
  ASSERT_FALSE(lab);
  EXPECT_EQ(lab.error().kind, ErrorKind::timeout);
  EXPECT_THAT(lab.error().message, HasSubstr("components"));
}

TEST_F(LaunchTest, OneLabAHomeWhileItsSupervisorLives) {
  supervisor(R"(say '{"ready": true}'
eval "cat <&$LIFE")");
  options_.private_lab = true;
  auto first = launch(options_);
  ASSERT_TRUE(first) << first.error().message;
  const auto second = launch(options_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::refused);
  end(std::move(*first));
  auto third = launch(options_);
  ASSERT_TRUE(third) << third.error().message;
  end(std::move(*third));
}

TEST_F(LaunchTest, TheHomeIsForItsOwnerAlone) {
  supervisor(R"(say '{"ready": true}')");
  ASSERT_TRUE(launch(options_));
  struct stat lab {};
  ASSERT_EQ(::stat((options_.home / "lab").c_str(), &lab), 0);
  EXPECT_EQ(lab.st_mode & 0777, 0700u);
}

TEST_F(LaunchTest, WhatDoctorMissesStopsAStartInTheSameWords) {
  supervisor(R"(say '{"ready": true}')");
  fs::remove(folder_ / "faultline-saas");
  const auto findings = doctor(options_.home, options_.program);
  const auto saas = std::ranges::find(findings, "faultline-saas", &Finding::what);
  ASSERT_NE(saas, findings.end());
  EXPECT_FALSE(saas->ok);
  const auto lab = launch(options_);
  ASSERT_FALSE(lab);
  EXPECT_EQ(lab.error().kind, ErrorKind::unsupported);
  EXPECT_THAT(lab.error().message, HasSubstr(saas->found));
  EXPECT_THAT(lab.error().message, HasSubstr(saas->remedy));
}

TEST_F(LaunchTest, AHomeTooDeepForASocketIsFoundBeforeAnythingStarts) {
  options_.home = folder_ / std::string(100, 'x');
  const auto lab = launch(options_);
  ASSERT_FALSE(lab);
  EXPECT_THAT(lab.error().message, HasSubstr("FAULTLINE_HOME"));
}

TEST_F(LaunchTest, AHomeThatCannotBeMadeIsFound) {
  std::ofstream(folder_ / "file") << "in the way";
  options_.home = folder_ / "file" / "home";
  const auto lab = launch(options_);
  ASSERT_FALSE(lab);
  EXPECT_THAT(lab.error().message, HasSubstr("home: "));
}

TEST(Require, NamesWhatIsMissingWithItsRemedy) {
  EXPECT_TRUE(require({{"nft", true, "/usr/sbin/nft", ""}}));
  const auto lacking = require({{"nft", false, "not there", "sudo apt-get install nftables"}});
  EXPECT_EQ(lacking.error().kind, ErrorKind::unsupported);
  EXPECT_THAT(lacking.error().message, HasSubstr("sudo apt-get install nftables"));
}

TEST_F(LaunchTest, ShuttingDownWhatIsNotUpSaysHowToStart) {
  const auto gone = shut_down(options_.home);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().kind, ErrorKind::not_found);
  EXPECT_THAT(gone.error().message, HasSubstr("faultline lab up"));
}

}  // namespace
}  // namespace faultline::lab
