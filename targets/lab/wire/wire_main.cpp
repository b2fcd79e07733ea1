#include "targets/lab/wire/wire_main.hpp"

#include "targets/lab/wire/control.hpp"
#include "targets/net/flags.hpp"
#include "targets/net/inside_lab.hpp"
#include "targets/net/line_server.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <net/if.h>
#include <set>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace faultline::wire {
namespace {

constexpr int max_base_delay_us = 1'000'000;  ///< twice round the earth and back
/// Sleeps end when they should: the default slack of 50 us would be a sixth of the base delay.
constexpr unsigned long timer_slack_ns = 1;

std::int64_t cpu_us() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto us = [](const timeval& t) { return t.tv_sec * 1'000'000LL + t.tv_usec; };
  return us(used.ru_utime) + us(used.ru_stime);
}

void show(const Counts& counts, nlohmann::json& shown) {
  const auto late = std::chrono::floor<std::chrono::microseconds>(counts.late).count();
  shown["frames"] = counts.frames;
  shown["dropped"] = counts.dropped;
  shown["late_us_mean"] = counts.frames == 0 ? 0 : late / static_cast<std::int64_t>(counts.frames);
  shown["cpu_us"] = cpu_us();
}

/// Returns only with an error.
Error carry(const std::vector<LinkEnds>& links, const Shape& base, const std::string& control) {
  ::prctl(PR_SET_TIMERSLACK, timer_slack_ns);
  std::vector<std::string> names;
  for (const auto& ends : links) {
    names.push_back(ends.router_side);
  }
  Layers layers(names, base);
  boost::asio::io_context io(1);
  auto carrier = Carrier::open(io, links, base);
  if (!carrier) {
    return carrier.error();
  }
  Control answers(
      layers, [&](const std::string& link) { (*carrier)->reshape(link, layers.shape_of(link)); },
      [&](nlohmann::json& shown) { show((*carrier)->counts(), shown); });
  // Last: whoever can connect finds the links carried.
  auto server = net::LineServer::open(
      io, control, [&](const nlohmann::json& request) { return answers.answer(request); });
  if (!server) {
    return server.error();
  }
  (*carrier)->run();
}

}  // namespace

Result<std::vector<LinkEnds>> parse_links(std::string_view text) {
  std::vector<LinkEnds> links;
  std::set<std::string> seen;
  for (bool more = true; more;) {
    const auto comma = text.find(',');
    const auto pair = text.substr(0, comma);
    const auto equals = pair.find('=');
    LinkEnds ends{std::string(pair.substr(0, equals)),
                  equals == pair.npos ? "" : std::string(pair.substr(equals + 1))};
    for (const auto& name : {ends.router_side, ends.core_side}) {
      if (name.empty() || name.size() >= IFNAMSIZ || !seen.insert(name).second) {
        return Error{ErrorKind::usage,
                     fmt::format("expected INTERFACE=INTERFACE,... with names of at most {} "
                                 "characters, each once, found '{}'",
                                 IFNAMSIZ - 1, pair)};
      }
    }
    links.push_back(std::move(ends));
    more = comma != text.npos;
    text.remove_prefix(more ? comma + 1 : text.size());
  }
  return links;
}

int wire_main(std::span<const std::string> args) {
  net::FlagReader flags(args, {"--links", "--delay-us", "--control"});
  const Shape base{std::chrono::microseconds(flags.number("--delay-us", 0, max_base_delay_us))};
  const auto control = flags.text("--control");
  const auto links = parse_links(flags.text("--links"));
  if (auto read = flags.result(); !read) {
    return net::fail(read.error());
  }
  if (!links) {
    return net::fail({ErrorKind::usage, "faultline-saas: --links: " + links.error().message});
  }
  if (!net::in_namespace_of_a_lab()) {  // it sends what it reads: never on the machine's own links
    return net::fail({ErrorKind::refused,
                      "frames are carried inside a lab only, and this process is on "
                      "none of its hosts (FAULTLINE_LAB_HOST, network namespace); "
                      "the lab starts it by itself: 'faultline lab up'"});
  }
  return net::fail(carry(*links, base, control));
}

}  // namespace faultline::wire
