#include "orchestrator/script/bindings.hpp"
#include "orchestrator/script/probes.hpp"
#include "orchestrator/script/shapes.hpp"
#include "orchestrator/script/value.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include <array>
#include <charconv>

/// The loads of an environment: each function returns a Probe; `environment` gives it its name and
/// the defaults of what it leaves out. What the arguments mean: orchestrator/load/worker.hpp.
namespace faultline::script {
namespace {

constexpr double max_rate_per_s = 5000;    // of one worker on a shared machine, with room to spare
constexpr std::size_t max_sentinels = 16;  // a quorum has 3 or 5
/// The worker's own limits, orchestrator/load/replica_lag.cpp.
constexpr double max_beats_per_s = 100;
/// Of a request: what a worker takes.
constexpr Duration shortest_wait = std::chrono::milliseconds(1);
constexpr Duration longest_wait = std::chrono::minutes(2);
constexpr std::size_t max_replicas = 8;

}  // namespace

Address parse_address(std::string_view text, const std::string& what,
                      std::optional<std::uint16_t> default_port) {
  const auto colon = text.rfind(':');
  auto host = std::string(text.substr(0, colon));
  host = host == "localhost" ? "127.0.0.1" : host;
  boost::system::error_code error;
  boost::asio::ip::make_address(host, error);
  std::uint16_t port = default_port.value_or(0);
  if (colon != text.npos) {
    const auto digits = text.substr(colon + 1);
    const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    port = wrong == std::errc() && end == digits.data() + digits.size() ? port : std::uint16_t{0};
  }
  if (error || port == 0) {
    refuse(fmt::format("{}: expected an address such as 10.0.0.10:80, found '{}'", what, text));
  }
  return {host, port};
}

namespace {

void read_wait(const Fields& fields, const char* field, Duration& wait) {
  fields.duration(field, wait);
  fields.at(field, [&] {
    if (fields.has(field) && (wait < shortest_wait || wait > longest_wait)) {
      refuse(fmt::format("'{}' must be from {} to {}, found {}", field,
                         faultline::in_words(shortest_wait), faultline::in_words(longest_wait),
                         faultline::in_words(wait)));
    }
  });
}

}  // namespace

void read_common(const Fields& fields, engine::Probe& probe) {
  probe.args = Json::object();
  read_wait(fields, "within", probe.threshold);
  read_wait(fields, "deadline", probe.deadline);
  fields.text("from", probe.from);
}

namespace {

/// What every kind but http has, which has other ways to say how much.
engine::Probe read_rated(const Fields& fields, const std::string& kind,
                         double max_per_s = max_rate_per_s) {
  engine::Probe probe;
  probe.kind = kind;
  read_common(fields, probe);
  fields.require("rate", "100, in requests per second");
  fields.number("rate", probe.rate_per_s, 0.01, max_per_s);
  return probe;
}

/// A list of ADDRESS:PORT.
std::vector<std::string> read_addresses(const Fields& fields, const char* field,
                                        std::size_t at_most) {
  std::vector<std::string> addresses;
  fields.texts(field, addresses);
  fields.at(field, [&] {
    if (addresses.empty() || addresses.size() > at_most) {
      refuse(fmt::format("{}: expected 1 to {} addresses, found {}", fields.name_of(field), at_most,
                         addresses.size()));
    }
    for (auto& address : addresses) {
      const auto [host, port] = parse_address(address, fields.name_of(field), std::nullopt);
      address = fmt::format("{}:{}", host, port);
    }
  });
  return addresses;
}

Address read_address(const Fields& fields, const char* field) {
  std::string text;
  Address address;
  fields.text(field, text);
  fields.at(field, [&] { address = parse_address(text, fields.name_of(field), std::nullopt); });
  return address;
}

int make_cache_probe(lua_State* lua, const Shape& shape) {
  const Fields fields(lua, 1, shape);
  auto probe = read_rated(fields, shape.name);
  fields.require("cache", "\"sessions\"");
  fields.text("cache", probe.store);
  if (probe.writes()) {
    fields.flag("shows_recovery", probe.shows_recovery);
  }
  fields.require("sentinels", "{ \"10.0.1.20:26379\" }");
  probe.args["cache"] = probe.store;
  probe.args["sentinels"] = read_addresses(fields, "sentinels", max_sentinels);
  push(lua, std::move(probe));
  return 1;
}

}  // namespace

int make_redis_writes(lua_State* lua) {
  return make_cache_probe(lua, redis_writes_shape());
}

int make_redis(lua_State* lua) {
  return make_cache_probe(lua, redis_shape());
}

int make_tcp(lua_State* lua) {
  const Fields fields(lua, 1, tcp_shape());
  auto probe = read_rated(fields, "tcp");
  fields.require("address", "\"10.0.0.10:80\"");
  const auto address = read_address(fields, "address");
  probe.args["host"] = address.host;
  probe.args["port"] = address.port;
  push(lua, std::move(probe));
  return 1;
}

int make_sql_writes(lua_State* lua) {
  const Fields fields(lua, 1, sql_writes_shape());
  auto probe = read_rated(fields, "sql_writes");
  fields.require("database", "\"orders\"");
  fields.text("database", probe.store);
  fields.require("address", "\"10.0.0.30:3306\"");
  fields.flag("shows_recovery", probe.shows_recovery);
  const auto address = read_address(fields, "address");
  const auto read_at = fields.has("read_at") ? read_address(fields, "read_at") : address;
  probe.args = {{"database", probe.store},
                {"host", address.host},
                {"port", address.port},
                {"read_host", read_at.host},
                {"read_port", read_at.port}};
  push(lua, std::move(probe));
  return 1;
}

int make_replica_lag(lua_State* lua) {
  const Fields fields(lua, 1, replica_lag_shape());
  auto probe = read_rated(fields, "replica_lag", max_beats_per_s);
  fields.require("database", "\"orders\"");
  fields.text("database", probe.store);
  fields.require("address", "\"10.0.0.30:3306\"");
  const auto address = read_address(fields, "address");
  fields.require("replicas", "{ \"10.0.1.30:3306\" }");
  probe.args = {{"database", probe.store},
                {"host", address.host},
                {"port", address.port},
                {"replicas", read_addresses(fields, "replicas", max_replicas)}};
  probe.shows_recovery = false;  // it shows whether reads are old, not whether anything works
  push(lua, std::move(probe));
  return 1;
}

}  // namespace faultline::script
