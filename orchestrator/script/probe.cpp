#include "orchestrator/script/bindings.hpp"
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

struct Address {
  std::string host;
  std::uint16_t port = 0;
};

/// Addresses, not names: an environment may have no resolver, where a lookup blocks.
Address parse_address(std::string_view text, const std::string& what,
                      std::optional<std::uint16_t> default_port) {
  const auto colon = text.rfind(':');
  const auto host = std::string(text.substr(0, colon));
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

struct Url {
  Address address;
  std::string path;
};

Url parse_url(const std::string& text, const std::string& what) {
  constexpr std::string_view scheme = "http://";
  if (!text.starts_with(scheme)) {
    refuse(fmt::format("{}: expected http://10.0.0.10:80/path, found '{}'", what, text));
  }
  const auto rest = std::string_view(text).substr(scheme.size());
  const auto slash = std::min(rest.find('/'), rest.size());
  constexpr std::uint16_t http_port = 80;
  std::string path(rest.substr(slash));
  if (path.find_first_of(" \r\n\t") != path.npos) {
    refuse(fmt::format("{}: a path has no spaces, found '{}'", what, path));
  }
  return {parse_address(rest.substr(0, slash), what, http_port), path.empty() ? "/" : path};
}

/// What every kind has.
engine::Probe read_common(const Fields& fields, const std::string& kind) {
  engine::Probe probe;
  probe.kind = kind;
  probe.args = Json::object();
  fields.require("rate", "100, in requests per second");
  fields.number("rate", probe.rate_per_s, 0.01, max_rate_per_s);
  fields.duration("within", probe.threshold);
  fields.duration("deadline", probe.deadline);
  fields.text("from", probe.from);
  return probe;
}

Address read_address(const Fields& fields, const char* field) {
  std::string text;
  Address address;
  fields.text(field, text);
  fields.at(field, [&] { address = parse_address(text, fields.name_of(field), std::nullopt); });
  return address;
}

void read_headers(lua_State* lua, const Fields& fields, Json& args) {
  fields.with("headers", [&](int index, const std::string& what) {
    args["headers"] = to_json(lua, index, what);
    for (const auto& [name, value] : args["headers"].items()) {
      const bool clean = value.is_string() &&
                         value.get<std::string>().find_first_of("\r\n") == std::string::npos &&
                         name.find_first_of(": \r\n") == std::string::npos;
      if (!args["headers"].is_object() || !clean) {
        refuse(fmt::format("{}: expected a table such as {{ Accept = \"text/html\" }}", what));
      }
    }
  });
}

int make_cache_probe(lua_State* lua, const Shape& shape) {
  const Fields fields(lua, 1, shape);
  auto probe = read_common(fields, shape.name);
  fields.require("cache", "\"sessions\"");
  fields.text("cache", probe.store);
  if (probe.writes()) {
    fields.flag("shows_recovery", probe.shows_recovery);
  }
  fields.require("sentinels", "{ \"10.0.1.20:26379\" }");
  std::vector<std::string> sentinels;
  fields.texts("sentinels", sentinels);
  fields.at("sentinels", [&] {
    if (sentinels.empty() || sentinels.size() > max_sentinels) {
      refuse(fmt::format("{}: expected 1 to {} addresses, found {}", fields.name_of("sentinels"),
                         max_sentinels, sentinels.size()));
    }
    for (const auto& sentinel : sentinels) {
      parse_address(sentinel, fields.name_of("sentinels"), std::nullopt);
    }
  });
  probe.args["cache"] = probe.store;
  probe.args["sentinels"] = sentinels;
  push(lua, std::move(probe));
  return 1;
}

}  // namespace

int make_http(lua_State* lua) {
  const Fields fields(lua, 1, http_shape());
  auto probe = read_common(fields, "http");
  std::string url;
  std::string method = "GET";
  std::string body;
  double status = 200;
  fields.require("url", "\"http://10.0.0.10:80/path\"");
  fields.text("url", url);
  fields.text("method", method);
  fields.text("body", body);
  fields.number("expect", status, 100, 599);
  fields.at("method", [&] {
    constexpr std::array<std::string_view, 5> known{"GET", "POST", "PUT", "DELETE", "HEAD"};
    if (std::ranges::find(known, method) == known.end()) {
      refuse(
          fmt::format("http: 'method' must be GET, POST, PUT, DELETE or HEAD, found '{}'", method));
    }
  });
  fields.at("url", [&] {
    const auto target = parse_url(url, fields.name_of("url"));
    probe.args["host"] = target.address.host;
    probe.args["port"] = target.address.port;
    probe.args["path"] = target.path;
  });
  probe.args["method"] = method;
  probe.args["body"] = body;
  probe.args["headers"] = Json::object();
  probe.args["expect_status"] = static_cast<int>(status);
  read_headers(lua, fields, probe.args);
  push(lua, std::move(probe));
  return 1;
}

int make_redis_writes(lua_State* lua) {
  return make_cache_probe(lua, redis_writes_shape());
}

int make_redis(lua_State* lua) {
  return make_cache_probe(lua, redis_shape());
}

int make_tcp(lua_State* lua) {
  const Fields fields(lua, 1, tcp_shape());
  auto probe = read_common(fields, "tcp");
  fields.require("address", "\"10.0.0.10:80\"");
  const auto address = read_address(fields, "address");
  probe.args["host"] = address.host;
  probe.args["port"] = address.port;
  push(lua, std::move(probe));
  return 1;
}

int make_sql_writes(lua_State* lua) {
  const Fields fields(lua, 1, sql_writes_shape());
  auto probe = read_common(fields, "sql_writes");
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

}  // namespace faultline::script
