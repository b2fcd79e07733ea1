#include "tests/integration/lab_fixture.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <sys/resource.h>

/// The full size of a NAT gateway's pool: real connections, counted where they are translated.
namespace faultline::integration {
namespace {

constexpr int ports_of_one_eip = 64'512;  // 1024 to 65535

std::uint64_t available_memory_mib() {
  std::ifstream in("/proc/meminfo");
  std::string name;
  std::uint64_t kib = 0;
  for (std::string unit; in >> name >> kib; std::getline(in, unit)) {
    if (name == "MemAvailable:") {
      return kib / 1024;
    }
  }
  return 0;
}

/// What this machine lacks for so many flows; empty when it lacks nothing.
std::string lacking(int flows) {
  // Both ends of a connection take 8 KiB in the kernel, see the slab sizes of TCP and sockets.
  const auto needed_mib = static_cast<std::uint64_t>(flows) * 16 / 1024 + 1024;
  if (available_memory_mib() < needed_mib) {
    return "needs " + std::to_string(needed_mib) + " MiB of free memory, found " +
           std::to_string(available_memory_mib());
  }
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  constexpr rlim_t some_processes = 10'000;
  return descriptors.rlim_max < some_processes
             ? "needs 10000 descriptors a process, at most " +
                   std::to_string(descriptors.rlim_max) + " are allowed"
             : "";
}

class FullSizeTest : public LabTest {
 protected:
  void lab_up(const std::string& profile) {
    const Outcome started = home_.run(
        {"lab", "up", "--profile", profile, "--snat-ports", std::to_string(ports_of_one_eip)});
    ASSERT_EQ(started.code, 0) << started.err;
    sink_ = in({"pay", "--", "faultline-saas", "sink", "--listen", "198.51.100.10:9000",
                "--processes", "12"});
    ASSERT_TRUE(sink_->says("listening"));
  }
  [[nodiscard]] std::unique_ptr<Program> in(std::vector<std::string> place_and_words) const {
    place_and_words.insert(place_and_words.begin(), {"lab", "exec"});
    return home_.start(std::move(place_and_words));
  }
  /// Begins to hold `flows` connections to the sink, an equal share from each host. What finds no
  /// port is tried again and again.
  void hold(int flows) {
    const std::vector<std::string> hosts{"neighbour", "a-reserved", "b-reserved", "c-reserved"};
    const auto share = std::to_string(flows / static_cast<int>(hosts.size()));
    for (const auto& host : hosts) {
      holders_.push_back(in(
          {host, "--", "faultline-saas", "flows", "--to", "198.51.100.10:9000", "--flows", share}));
    }
  }
  [[nodiscard]] int flows_in_conntrack() const {
    return std::stoi(
        home_.run({"lab", "exec", "nat", "--", "cat", "/proc/sys/net/netfilter/nf_conntrack_count"})
            .out);
  }
  /// The last ports are found by luck, so this takes 10 to 50 s.
  [[nodiscard]] bool fills(int pool) const {
    const auto until = std::chrono::steady_clock::now() + 120s;
    while (flows_in_conntrack() < pool) {
      if (std::chrono::steady_clock::now() > until) {
        return false;
      }
      std::this_thread::sleep_for(500ms);
    }
    return true;
  }
  /// Of one more, tried from a host that holds none.
  [[nodiscard]] json one_more() const {
    const auto next = in(
        {"client", "--", "faultline-saas", "flows", "--to", "198.51.100.10:9000", "--flows", "1"});
    EXPECT_TRUE(next->says("\n")) << next->wait().err;
    return json::parse(next->out(), nullptr, false);
  }
  void expect_full(int pool) {
    ASSERT_TRUE(fills(pool)) << flows_in_conntrack() << " of " << pool << " flows after 120 s";
    const json next = one_more();
    EXPECT_EQ(next["held"], 0) << "the next one is dropped: " << next;
    EXPECT_EQ(next["failed"], 1);
    // Besides those of the test the gateway knows one or two of its own.
    EXPECT_LE(flows_in_conntrack(), pool + 16);
  }

  std::unique_ptr<Program> sink_;
  std::vector<std::unique_ptr<Program>> holders_;
};

TEST_F(FullSizeTest, OneEipHoldsAsManyFlowsAsItHasPortsAndTheNextIsDropped) {
  const int asked = ports_of_one_eip + 1024;
  if (const auto why = lacking(asked); !why.empty()) {
    GTEST_SKIP() << why;
  }
  lab_up("naive");
  hold(asked);
  expect_full(ports_of_one_eip);
}

TEST_F(FullSizeTest, TwoEipsHoldTwiceAsMany) {
  const int asked = 2 * ports_of_one_eip + 2048;
  if (const auto why = lacking(asked); !why.empty()) {
    GTEST_SKIP() << why;
  }
  lab_up("hardened");
  hold(asked);
  expect_full(2 * ports_of_one_eip);
}

}  // namespace
}  // namespace faultline::integration
