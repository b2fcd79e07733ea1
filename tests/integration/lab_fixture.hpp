#pragma once

#include "targets/catalog.hpp"
#include "targets/lab/launch.hpp"
#include "tests/integration/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <cctype>
#include <optional>
#include <sys/socket.h>
#include <thread>

namespace faultline::integration {
namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

/// The processes in the pid namespace that `pid` is the first of.
class Inhabitants {
 public:
  explicit Inhabitants(int pid) : link_(namespace_of(std::to_string(pid))) {}

  [[nodiscard]] std::vector<std::string> now() const {
    std::vector<std::string> found;
    std::error_code vanished;
    for (const auto& entry : fs::directory_iterator("/proc", vanished)) {
      const std::string pid = entry.path().filename();
      if (std::isdigit(static_cast<unsigned char>(pid[0])) != 0 && namespace_of(pid) == link_) {
        found.push_back(pid);
      }
    }
    return found;
  }
  /// Those that are left when `limit` is over; none as soon as there are none.
  [[nodiscard]] std::vector<std::string> left_after(std::chrono::milliseconds limit) const {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!now().empty() && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(5ms);
    }
    return now();
  }

 private:
  static std::string namespace_of(const std::string& pid) {
    std::error_code gone;  // a zombie has none either
    return fs::read_symlink("/proc/" + pid + "/ns/pid_for_children", gone).string();
  }
  std::string link_;
};

class LabTest : public testing::Test {
 protected:
  void up(const std::string& profile = "hardened") {
    const Outcome started = home_.run({"lab", "up", "--profile", profile});
    ASSERT_EQ(started.code, 0) << started.err;
  }
  [[nodiscard]] json status() const {
    const Outcome told = home_.run({"lab", "status", "--json"});
    EXPECT_EQ(told.code, 0) << told.err;
    return json::parse(told.out);
  }
  [[nodiscard]] int supervisor() const { return status()["pid"].get<int>(); }

  TemporaryHome home_;
};

/// A lab as the target that runs see.
class LabTargetTest : public LabTest {
 protected:
  Result<std::unique_ptr<targets::Target>> open(const std::string& profile = "") {
    return targets::find("lab")->open(io_, {.home = home_.path(),
                                            .cache = home_.path() / "cache",
                                            .profile = profile,
                                            .stage = false,
                                            .progress = {}});
  }
  /// Opened and owned, with its notices kept.
  void own() {
    auto opened = open();
    ASSERT_TRUE(opened) << opened.error().message;
    target_ = std::move(*opened);
    target_->on_notice([this](const targets::Notice& notice) { notices_.push_back(notice); });
    const auto epoch =
        await<targets::Epoch>([&](auto done) { target_->acquire("the test", 0, done); });
    ASSERT_TRUE(epoch) << epoch.error().message;
    epoch_ = *epoch;
  }
  Result<> arm_and_apply(const targets::Action& action) {
    auto armed = await<void>([&](auto done) { target_->arm(action, epoch_, done); });
    if (!armed) {
      return armed;
    }
    const auto applied =
        await<targets::Outcome>([&](auto done) { target_->apply(action, epoch_, done); });
    return applied ? Result<>{} : Result<>(applied.error());
  }
  Result<> revert(const targets::Action& action) {
    return await<void>([&](auto done) { target_->revert(action, epoch_, done); });
  }
  /// The reasons of the notices of that name.
  [[nodiscard]] std::vector<std::string> told(const std::string& name) const {
    std::vector<std::string> reasons;
    for (const auto& notice : notices_) {
      if (notice.name == name) {
        reasons.push_back(notice.detail.value("reason", ""));
      }
    }
    return reasons;
  }
  /// Runs until `start`'s callback was called.
  template <class T, class Start>
  Result<T> await(Start start) {
    std::optional<Result<T>> answer;
    start([&answer](Result<T> result) { answer.emplace(std::move(result)); });
    while (!answer) {
      io_.run_one();
    }
    return std::move(*answer);
  }
  /// Looks at the world until it is as wanted, for at most 5 s.
  bool becomes(targets::Target& target, const std::function<bool(const targets::World&)>& wanted) {
    const auto until = std::chrono::steady_clock::now() + 5s;
    while (std::chrono::steady_clock::now() < until) {
      const auto world = await<targets::World>([&](auto done) { target.observe(done); });
      if (world && wanted(*world)) {
        return true;
      }
      std::this_thread::sleep_for(20ms);
    }
    return false;
  }

  boost::asio::io_context io_;
  std::unique_ptr<targets::Target> target_;
  targets::Epoch epoch_ = 0;
  std::vector<targets::Notice> notices_;
};

}  // namespace faultline::integration
