#include "tests/integration/lab_fixture.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <numeric>
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
  /// Holds `flows` connections to the sink, an equal share from each host; what each has said.
  std::vector<json> hold(const std::vector<std::string>& hosts, int flows) {
    const auto share = std::to_string(flows / static_cast<int>(hosts.size()));
    for (const auto& host : hosts) {
      holders_.push_back(in(
          {host, "--", "faultline-saas", "flows", "--to", "198.51.100.10:9000", "--flows", share}));
    }
    std::vector<json> said;
    for (auto& holder : holders_) {
      EXPECT_TRUE(holder->says("\n")) << holder->wait().err;
      said.push_back(json::parse(holder->out(), nullptr, false));
    }
    return said;
  }
  [[nodiscard]] int flows_in_conntrack() const {
    return std::stoi(
        home_.run({"lab", "exec", "nat", "--", "cat", "/proc/sys/net/netfilter/nf_conntrack_count"})
            .out);
  }

  static int sum(const std::vector<json>& said, const char* field) {
    return std::accumulate(said.begin(), said.end(), 0,
                           [&](int all, const json& one) { return all + one.value(field, 0); });
  }

  std::unique_ptr<Program> sink_;
  std::vector<std::unique_ptr<Program>> holders_;
};

const std::vector<std::string> hosts{"neighbour", "a-reserved", "b-reserved", "c-reserved"};

TEST_F(FullSizeTest, OneEipHoldsAsManyFlowsAsItHasPortsAndTheNextIsDropped) {
  const int asked = ports_of_one_eip + 1024;
  if (const auto why = lacking(2 * asked); !why.empty()) {
    GTEST_SKIP() << why;
  }
  lab_up("naive");
  const auto said = hold(hosts, asked);
  EXPECT_EQ(sum(said, "held"), ports_of_one_eip);
  EXPECT_EQ(sum(said, "failed"), asked - ports_of_one_eip) << "the rest was dropped";
  EXPECT_GE(flows_in_conntrack(), ports_of_one_eip);
}

TEST_F(FullSizeTest, TwoEipsHoldTwiceAsMany) {
  const int asked = 2 * ports_of_one_eip + 2048;
  if (const auto why = lacking(2 * asked); !why.empty()) {
    GTEST_SKIP() << why;
  }
  lab_up("hardened");
  const auto said = hold(hosts, asked);
  EXPECT_EQ(sum(said, "held"), 2 * ports_of_one_eip);
  EXPECT_EQ(sum(said, "failed"), asked - 2 * ports_of_one_eip) << "the rest was dropped";
}

}  // namespace
}  // namespace faultline::integration
