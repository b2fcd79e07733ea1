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

}  // namespace faultline::integration
