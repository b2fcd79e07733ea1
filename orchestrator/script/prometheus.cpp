#include "orchestrator/script/prometheus.hpp"

#include "orchestrator/script/shapes.hpp"
#include "targets/web/url.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

/// The Prometheus that watches an environment.
namespace faultline::script {
namespace {

constexpr std::string_view example = "prometheus = { url = \"http://127.0.0.1:9090\" }";
/// Prometheus itself forgets a sample after 5 minutes.
constexpr Duration longest_interval = std::chrono::minutes(5);
constexpr std::size_t max_allowed = 16;  // addresses: one is asked

std::string checked_server(const std::string& url, const std::vector<std::string>& allowed) {
  const auto checked = web::checked_url(url, allowed);
  if (!checked) {
    const bool elsewhere = checked.error().kind == ErrorKind::refused;
    refuse(fmt::format("prometheus: {}{}", checked.error().message,
                       elsewhere ? "; allow it with allow = { \"ADDRESS\" }" : ""));
  }
  if (checked->find_first_of("?#") != checked->npos) {
    refuse(fmt::format("prometheus: url: expected what stands in front of /api, found '{}'", url));
  }
  return *checked;
}

void check_addresses(const std::vector<std::string>& addresses) {
  if (addresses.size() > max_allowed) {
    refuse(fmt::format("prometheus: 'allow': expected at most {} addresses, found {}", max_allowed,
                       addresses.size()));
  }
  for (const auto& text : addresses) {
    boost::system::error_code wrong;
    boost::asio::ip::make_address(text, wrong);
    if (wrong) {
      refuse(fmt::format(
          "prometheus: 'allow': expected IP addresses such as \"10.0.0.9\", found '{}'", text));
    }
  }
}

}  // namespace

void read_prometheus(lua_State* lua, const Fields& fields, engine::Environment& environment) {
  fields.with("prometheus", [&](int index, const std::string& /*what*/) {
    const Fields server(lua, index, prometheus_shape(), "prometheus");
    auto& read = environment.prometheus;
    server.texts("allow", read.allowed);
    server.at("allow", [&] { check_addresses(read.allowed); });
    server.require("url", "\"http://127.0.0.1:9090\"");
    server.text("url", read.url);
    server.at("url", [&] { read.url = checked_server(read.url, read.allowed); });
    server.duration("scrape_interval", read.scrape_interval);
    server.at("scrape_interval", [&] {
      if (read.scrape_interval <= Duration::zero() || read.scrape_interval > longest_interval) {
        refuse(fmt::format(
            "prometheus: 'scrape_interval': expected a duration above 0 and at most {}, found {}",
            faultline::in_words(longest_interval), faultline::in_words(read.scrape_interval)));
      }
    });
  });
}

void check_watched(const engine::Expectation& expectation, const engine::Environment& environment,
                   std::string_view what) {
  if (!engine::is_monitored(expectation.sli)) {
    return;
  }
  const auto& server = environment.prometheus;
  if (server.url.empty()) {
    refuse(
        fmt::format("{} ({}) asks a Prometheus, and the environment has none; add {} to it, beside "
                    "its probes",
                    what, in_words(expectation.place), example));
  }
  const auto& metric = expectation.metric;
  const bool of_points =
      metric.take != prometheus::Take::last && expectation.sli == engine::Sli::metric;
  const bool of_slices = of_points && metric.step > engine::Metric{}.step;
  if (of_points && expectation.over > Duration::zero() &&
      (metric.step > expectation.over ||
       (of_slices && expectation.over % metric.step != Duration::zero()))) {
    refuse(fmt::format(
        "{} ({}) is counted in slices of {}, and its window of {} is no whole "
        "number of them; use a window of {}",
        what, in_words(expectation.place), faultline::in_words(metric.step),
        faultline::in_words(expectation.over),
        faultline::in_words(metric.step * ((expectation.over - Duration(1)) / metric.step + 1))));
  }
  const auto& meant = metric.url;
  const auto checked = web::checked_url(meant, server.allowed);
  if (!meant.empty() && (!checked || *checked != server.url)) {
    refuse(fmt::format(
        "{} ({}) is about the Prometheus at {}, and the environment's is at {}; write that as the "
        "DataSource's url, or leave it out",
        what, in_words(expectation.place), meant, server.url));
  }
}

}  // namespace faultline::script
