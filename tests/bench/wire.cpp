// What the wire costs and how exact it is: build/bench_wire [SECONDS]. Two hosts in namespaces of
// their own, joined directly, by the wire without delay, and with the lab's 300 us each way.
#include "tests/wire/probes.hpp"

#include <cstdio>

namespace faultline::wire {
namespace {

struct Row {
  std::string name;
  int delay_us = -1;  ///< -1: no wire
};

double percentile(const std::vector<double>& sorted, double share) {
  return sorted.empty() ? 0 : sorted[static_cast<std::size_t>(share * (sorted.size() - 1.0))];
}

struct Used {
  double frames = 0, cpu_us = 0, dropped = 0, late_us = 0;
};

Used used(TwoHosts& hosts) {
  const auto shown = hosts.ask({{"show", true}})["ok"];
  return {shown["frames"], shown["cpu_us"], shown["dropped"], shown["late_us_mean"]};
}

/// Gbit/s of one TCP connection.
double throughput(TwoHosts& hosts, std::chrono::seconds duration) {
  const Connection connection(hosts);
  const auto end = SteadyClock::now() + duration;
  std::thread sender([&] {
    const std::vector<char> text(256 * 1024, 'x');
    while (SteadyClock::now() < end) {
      ::send(connection.from.get(), text.data(), text.size(), MSG_NOSIGNAL);
    }
    ::shutdown(connection.from.get(), SHUT_WR);
  });
  std::vector<char> text(256 * 1024);
  double bytes = 0;
  for (ssize_t got = 1; got > 0; bytes += static_cast<double>(got)) {
    got = ::recv(connection.to.get(), text.data(), text.size(), 0);
  }
  sender.join();
  return bytes * 8 / 1e9 / static_cast<double>(duration.count());
}

/// Questions and answers at a steady rate; what the wire's processor time was per frame.
void at_rate(TwoHosts& hosts, int frames_per_second, std::chrono::seconds duration) {
  const Datagrams sockets(hosts);
  sockets.round_trip();
  const auto before = used(hosts);
  const auto start = SteadyClock::now();
  const auto gap = std::chrono::nanoseconds(2'000'000'000LL / frames_per_second);
  std::array<char, 256> text{};
  auto due = start;
  for (std::size_t n = 0; due < start + duration; ++n, due += gap) {
    std::this_thread::sleep_until(due);
    ::send(sockets.a.get(), text.data(), text.size(), MSG_DONTWAIT);
    ::send(sockets.b.get(), text.data(), text.size(), MSG_DONTWAIT);
    while (::recv(sockets.b.get(), text.data(), text.size(), MSG_DONTWAIT) > 0) {
    }
    while (::recv(sockets.a.get(), text.data(), text.size(), MSG_DONTWAIT) > 0) {
    }
  }
  const double seconds = us_since(start) / 1e6;
  const auto after = used(hosts);
  const double frames = after.frames - before.frames, cpu_us = after.cpu_us - before.cpu_us;
  fmt::print(
      "  {:6.0f} frames/s: {:5.1f} us of CPU per frame, {:4.1f} % of a core, {:.0f} dropped\n",
      frames / seconds, cpu_us / frames, cpu_us / seconds / 1e4, after.dropped - before.dropped);
}

void measure(TwoHosts& hosts, const Row& row, std::chrono::seconds duration) {
  row.delay_us < 0 ? hosts.join_directly() : hosts.join_by_wire(row.delay_us);
  {
    const Datagrams sockets(hosts);
    sockets.round_trip();
    const auto us = round_trips(sockets, static_cast<int>(duration.count()) * 500,
                                std::chrono::milliseconds(1));
    fmt::print("{:12} round trip p50 {:5.0f} us, p99 {:5.0f} us, max {:5.0f} us", row.name,
               percentile(us, 0.5), percentile(us, 0.99), percentile(us, 1));
  }
  if (row.delay_us >= 0) {
    fmt::print(", late {:.0f} us each way", used(hosts).late_us);
  }
  fmt::print("; TCP {:.1f} Gbit/s\n", throughput(hosts, duration));
  std::fflush(stdout);
  if (row.delay_us >= 0) {
    for (const int rate : {1000, 5000, 10'000, 40'000}) {
      at_rate(hosts, rate, duration);
    }
  }
  hosts.part();
}

}  // namespace
}  // namespace faultline::wire

int main(int argc, char** argv) {
  using namespace faultline::wire;
  const std::chrono::seconds duration(argc > 1 ? std::max(1, std::atoi(argv[1])) : 2);
  const auto code = TwoHosts::run(duration * 30, [&](TwoHosts& hosts) {
    for (const auto& row : {Row{"direct"}, Row{"wire 0 us", 0}, Row{"wire 300 us", 300}}) {
      measure(hosts, row, duration);
    }
    return 0;
  });
  if (!code) {
    fmt::print(stderr, "this machine forbids user namespaces\n");
  }
  return code.value_or(1);
}
