#include "tests/wire/probes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

/// The wire with real frames, in namespaces of the test's own.
namespace faultline::wire {
namespace {

using nlohmann::json;

/// Runs the story inside; its failed expectations fail this test.
void with_two_hosts(const std::function<void(TwoHosts&)>& story) {
  const auto code = TwoHosts::run(std::chrono::seconds(20), [&](TwoHosts& hosts) {
    story(hosts);
    return testing::Test::HasFailure() ? 1 : 0;
  });
  ASSERT_TRUE(code) << "this machine forbids user namespaces, and so a lab: see 'faultline doctor'";
  EXPECT_EQ(*code, 0) << "see above";
}

double median(const std::vector<double>& sorted) {
  return sorted.empty() ? 0 : sorted[sorted.size() / 2];
}

TEST(WireWithRealFrames, DelaysBothWaysByItsLayersAndLetsGoWhenTheyAreRemoved) {
  with_two_hosts([](TwoHosts& hosts) {
    hosts.join_by_wire(300);
    const Datagrams sockets(hosts);
    ASSERT_TRUE(sockets.round_trip()) << "the first one needs ARP to pass too";
    auto us = round_trips(sockets, 50);
    ASSERT_EQ(us.size(), 50u) << "nothing is lost";
    EXPECT_GE(us.front(), 560) << "each way at most 20 us early";
    EXPECT_LT(median(us), 5000);

    EXPECT_EQ(hosts.ask({{"add", "one"}, {"link", "zone-a"}, {"delay_us", 10000}}).dump(),
              R"({"ok":true})");
    hosts.ask({{"add", "two"}, {"link", "zone-a"}, {"delay_us", 2000}, {"jitter_us", 1000}});
    us = round_trips(sockets, 10);
    ASSERT_EQ(us.size(), 10u);
    EXPECT_GE(us.front(), 24'560);
    EXPECT_LT(median(us), 40'000);

    hosts.ask({{"remove", "one"}});
    hosts.ask({{"remove", "two"}});
    us = round_trips(sockets, 50);
    EXPECT_GE(us.front(), 560);
    EXPECT_LT(median(us), 5000);
    const auto shown = hosts.ask({{"show", true}})["ok"];
    EXPECT_TRUE(shown["layers"].empty());
    EXPECT_GE(shown["frames"], 2 * 111);
    EXPECT_EQ(shown["dropped"], 0);
    EXPECT_TRUE(hosts.ask({{"add", "x"}, {"link", "zone-q"}}).contains("error"));
  });
}

TEST(WireWithRealFrames, PassesAStreamUnharmedWithOffloadsLeftToTheKernel) {
  with_two_hosts([](TwoHosts& hosts) {
    constexpr std::size_t total = 32 * 1024 * 1024;
    hosts.join_by_wire(300);
    const Connection connection(hosts);
    const auto byte_at = [](std::size_t n) { return static_cast<char>(n * 31 % 251); };
    std::thread sender([&] {
      std::vector<char> text(128 * 1024);
      for (std::size_t n = 0; n < total; n += text.size()) {
        for (std::size_t i = 0; i < text.size(); ++i) {
          text[i] = byte_at(n + i);
        }
        ASSERT_EQ(::send(connection.from.get(), text.data(), text.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
      }
      ::shutdown(connection.from.get(), SHUT_WR);
    });
    std::size_t n = 0, wrong = 0;
    std::vector<char> text(128 * 1024);
    for (ssize_t got = 1; got > 0;) {
      got = ::recv(connection.to.get(), text.data(), text.size(), 0);
      for (ssize_t i = 0; i < got; ++i, ++n) {
        wrong += text[static_cast<std::size_t>(i)] == byte_at(n) ? 0 : 1;
      }
    }
    sender.join();
    EXPECT_EQ(n, total);
    EXPECT_EQ(wrong, 0u);
    const auto frames = hosts.ask({{"show", true}})["ok"]["frames"].get<std::size_t>();
    EXPECT_LT(frames, total / 1448) << "fewer than full-sized Ethernet frames: large ones pass";
  });
}

TEST(WireWithRealFrames, KeepsToARate) {
  with_two_hosts([](TwoHosts& hosts) {
    hosts.join_by_wire(0);
    hosts.ask({{"add", "slow"}, {"link", "zone-a"}, {"rate_kbit", 8000}});  // a byte per us
    const Datagrams sockets(hosts);
    ASSERT_TRUE(sockets.round_trip());
    const std::string kilobyte(1000, 'x');
    const auto start = SteadyClock::now();
    for (int i = 0; i < 100; ++i) {
      ::send(sockets.a.get(), kilobyte.data(), kilobyte.size(), 0);
    }
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(Datagrams::take(sockets.b.get()));
    }
    EXPECT_GE(us_since(start), 100'000);
    EXPECT_LT(us_since(start), 200'000);
  });
}

}  // namespace
}  // namespace faultline::wire
