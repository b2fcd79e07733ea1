#include "orchestrator/script/bindings.hpp"
#include "orchestrator/script/probes.hpp"
#include "orchestrator/script/script.hpp"
#include "orchestrator/script/shapes.hpp"
#include "orchestrator/script/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

/// `http { ... }`, the load with the most to say. What the arguments mean to the worker:
/// orchestrator/load/worker.hpp.
namespace faultline::script {
namespace {

constexpr double max_rate_per_s = 1e6;  // of a load; several workers may share it
constexpr double max_users = 20'000;    // a descriptor each, and a machine has no more
constexpr double max_connections = 10'000;
constexpr Duration longest_think = std::chrono::minutes(1);  // slower users are a rate
constexpr std::size_t max_workers = 16, max_stages = 100, max_requests = 100;

struct Url {
  Address address;
  std::string authority;  ///< as written
  std::string path;       ///< empty when not written
  bool tls = false;
};

Url parse_url(const std::string& text, const std::string& what) {
  const bool tls = text.starts_with("https://");
  const auto scheme = std::string_view(tls ? "https://" : "http://");
  if (!text.starts_with(scheme)) {
    refuse(fmt::format("{}: expected http://10.0.0.10:80/path, found '{}'", what, text));
  }
  const auto rest = std::string_view(text).substr(scheme.size());
  const auto slash = std::min(rest.find('/'), rest.size());
  const auto authority = rest.substr(0, slash);
  const std::uint16_t port = tls ? 443 : 80;
  std::string path(rest.substr(slash));
  if (path.find_first_of(" \r\n\t") != path.npos) {
    refuse(fmt::format("{}: a path has no spaces, found '{}'", what, path));
  }
  return {parse_address(authority, what, port), std::string(authority), std::move(path), tls};
}

void read_headers(lua_State* lua, const Fields& fields, Json& request) {
  request["headers"] = Json::object();
  fields.with("headers", [&](int index, const std::string& what) {
    request["headers"] = to_json(lua, index, what);
    for (const auto& [name, value] : request["headers"].items()) {
      const bool clean = value.is_string() &&
                         value.get<std::string>().find_first_of("\r\n") == std::string::npos &&
                         name.find_first_of(": \r\n") == std::string::npos;
      if (!request["headers"].is_object() || !clean) {
        refuse(
            fmt::format("{}: expected names and values of one line each, such as {{ Accept = "
                        "\"text/html\" }}, found {} = {}",
                        what, name, value.dump()));
      }
    }
  });
}

/// A status, or a table that says more of a correct answer.
void read_expect(lua_State* lua, const Fields& fields, Json& request) {
  request["expect"] = {{"status", 200}};
  fields.with("expect", [&](int index, const std::string& what) {
    if (lua_type(lua, index) == LUA_TNUMBER) {
      request["expect"]["status"] = static_cast<int>(to_number(lua, index, what, 100, 599));
      return;
    }
    const Fields expect(lua, index, expect_shape(), "expect");
    double status = 200;
    expect.number("status", status, 100, 599);
    request["expect"]["status"] = static_cast<int>(status);
    expect.with("json", [&](int json, const std::string& name) {
      request["expect"]["json"] = to_json(lua, json, name);
    });
    for (const auto* field : {"min_bytes", "max_bytes"}) {
      std::size_t bytes = 0;
      expect.count(field, bytes);
      if (expect.has(field)) {
        request["expect"][field] = bytes;
      }
    }
  });
}

/// The fields of one request; a path that is not written is `path`.
void read_request(lua_State* lua, const Fields& fields, const std::string& path, Json& request) {
  std::string method = "GET";
  std::string body;
  fields.text("method", method);
  fields.text("body", body);
  fields.at("method", [&] {
    constexpr std::array<std::string_view, 6> known{"GET", "HEAD",  "POST",
                                                    "PUT", "PATCH", "DELETE"};
    if (std::ranges::find(known, method) == known.end()) {
      refuse(fmt::format("http: 'method' must be GET, HEAD, POST, PUT, PATCH or DELETE, found '{}'",
                         method));
    }
  });
  request["method"] = method;
  request["path"] = path.empty() ? "/" : path;
  request["body"] = body;
  read_headers(lua, fields, request);
  read_expect(lua, fields, request);
}

void read_path(const Fields& fields, std::string& path) {
  fields.text("path", path);
  fields.at("path", [&] {
    if (!path.starts_with('/') || path.find_first_of(" \r\n\t") != path.npos) {
      refuse(fmt::format("{}: expected /path without spaces, found '{}'", fields.name_of("path"),
                         path));
    }
  });
}

void read_mix(lua_State* lua, const Fields& fields, const Url& url, Json& args) {
  fields.with("mix", [&](int index, const std::string& what) {
    const auto count = lua_type(lua, index) == LUA_TTABLE ? lua_rawlen(lua, index) : 0;
    if (count == 0 || count > max_requests || !url.path.empty()) {
      refuse(
          fmt::format("{}: expected 1 to {} requests such as {{ path = \"/\", weight = 3 }}, and "
                      "a 'url' without a path",
                      what, max_requests));
    }
    args["mix"] = Json::array();
    for (lua_Unsigned i = 1; i <= count; ++i) {
      lua_rawgeti(lua, index, static_cast<lua_Integer>(i));
      const Fields entry(lua, lua_absindex(lua, -1), request_shape(), "mix");
      std::string name, path = "/";
      double weight = 1;
      entry.text("name", name);
      entry.number("weight", weight, 0, 1e6);
      read_path(entry, path);
      Json request = {{"name", name}, {"weight", weight}};
      read_request(lua, entry, path, request);
      args["mix"].push_back(std::move(request));
      lua_pop(lua, 1);
    }
  });
}

void read_sessions(lua_State* lua, const Fields& fields, Json& args) {
  fields.with("sessions", [&](int index, const std::string&) {
    const Fields sessions(lua, index, sessions_shape(), "sessions");
    std::size_t count = 0;
    std::string token = "token";
    sessions.require("count", "50");
    sessions.count("count", count);
    sessions.text("token", token);
    sessions.require("login", "{ path = \"/login\", method = \"POST\", body = \"{}\" }");
    Json request = Json::object();
    sessions.with("login", [&](int login, const std::string&) {
      const Fields entry(lua, login, login_shape(), "login");
      std::string path = "/login";
      read_path(entry, path);
      read_request(lua, entry, path, request);
    });
    args["sessions"] = {{"count", count}, {"token", token}, {"login", std::move(request)}};
  });
}

void read_tls(lua_State* lua, const Fields& fields, const Url& url, Json& args) {
  if (fields.has("tls") && !url.tls) {
    fields.at("tls", [] { refuse("http: 'tls' is for a url that begins with https://"); });
  }
  if (url.tls) {
    args["tls"] = {{"name", url.authority.substr(0, url.authority.rfind(':'))}};
  }
  fields.with("tls", [&](int index, const std::string&) {
    const Fields tls(lua, index, tls_shape(), "tls");
    std::string name, ca;
    tls.text("name", name);
    tls.text("ca", ca);
    if (!name.empty()) {
      args["tls"]["name"] = name;
    }
    if (!ca.empty()) {
      tls.at("ca", [&] { args["tls"]["ca"] = script_of(lua).sources().use(ca).text; });
    }
  });
}

/// A field that says something about others, of which there must be one.
void only_with(const Fields& fields, const char* field, const char* one,
               const char* other = nullptr) {
  if (fields.has(field) && !fields.has(one) && (other == nullptr || !fields.has(other))) {
    fields.at(field, [&] {
      refuse(fmt::format("http: '{}' is for '{}'{}", field, one,
                         other == nullptr ? "" : fmt::format(" and '{}'", other)));
    });
  }
}

/// How much is sent: one rate, stages, or users in a closed loop.
void read_pacing(lua_State* lua, const Fields& fields, engine::Probe& probe) {
  const auto ways = int{fields.has("rate")} + int{fields.has("stages")} + int{fields.has("users")};
  if (ways == 0) {
    fields.require("rate", "100, in requests per second");
  }
  if (ways > 1) {
    refuse("http: one of 'rate', 'stages' and 'users' says how much is sent, found several");
  }
  fields.number("rate", probe.rate_per_s, 0.01, max_rate_per_s);
  fields.flag("poisson", probe.poisson);
  fields.with("users", [&](int index, const std::string& what) {
    probe.pacing["users"] = static_cast<int>(to_whole(lua, index, what, 1, max_users));
    Duration think{};
    fields.duration("think", think);
    fields.at("think", [&] {
      if (think < Duration::zero() || think > longest_think) {
        refuse(fmt::format("http: 'think' must be from 0 to {}, found {}",
                           faultline::in_words(longest_think), faultline::in_words(think)));
      }
    });
    probe.pacing["think_ms"] = to_ms(think);
  });
  only_with(fields, "think", "users");
  only_with(fields, "poisson", "rate", "stages");
  fields.with("stages", [&](int index, const std::string& what) {
    const auto count = lua_type(lua, index) == LUA_TTABLE ? lua_rawlen(lua, index) : 0;
    if (count == 0 || count > max_stages) {
      refuse(fmt::format("{}: expected 1 to {} stages such as {{ rate = 100, over = 10*s }}", what,
                         max_stages));
    }
    probe.pacing["stages"] = Json::array();
    for (lua_Unsigned i = 1; i <= count; ++i) {
      lua_rawgeti(lua, index, static_cast<lua_Integer>(i));
      const Fields stage(lua, lua_absindex(lua, -1), stage_shape(), "stages");
      const bool ramp = stage.has("ramp_to");
      if (ramp && stage.has("rate")) {
        refuse("stages: a stage has either 'rate' or 'ramp_to', which begins at the rate before");
      }
      double rate = 0;
      Duration over{};
      stage.number(ramp ? "ramp_to" : "rate", rate, 0, max_rate_per_s);
      stage.require(ramp ? "ramp_to" : "rate", "100, or ramp_to = 100");
      stage.require("over", "10*s");
      stage.duration("over", over);
      probe.pacing["stages"].push_back(
          {{"rate_per_s", rate}, {"length_ms", to_ms(over)}, {"ramp", ramp}});
      lua_pop(lua, 1);
    }
  });
  fields.count("workers", probe.workers);
  if (probe.workers < 1 || probe.workers > max_workers) {
    fields.at("workers", [] {
      refuse(fmt::format("http: 'workers' must be 1 to {}, each a thread of the machine",
                         max_workers));
    });
  }
  if (probe.pacing.contains("users") && probe.pacing["users"].get<std::size_t>() < probe.workers) {
    fields.at("workers", [&] {
      refuse(fmt::format("http: {} users cannot be shared by {} workers; use fewer workers",
                         probe.pacing["users"].get<std::size_t>(), probe.workers));
    });
  }
}

void read_rows(lua_State* lua, const Fields& fields, Json& args) {
  fields.with("rows", [&](int index, const std::string& what) {
    args["rows"] = to<CsvRows>(lua, index, what, "csv \"users.csv\"").rows;
  });
}

}  // namespace

int make_http(lua_State* lua) {
  const Fields fields(lua, 1, http_shape());
  engine::Probe probe;
  probe.kind = "http";
  probe.place = place_of(lua);
  read_common(fields, probe);
  read_pacing(lua, fields, probe);
  fields.text("service", probe.service);
  std::string text;
  Url url;
  fields.require("url", "\"http://10.0.0.10:80/path\"");
  fields.text("url", text);
  fields.at("url", [&] { url = parse_url(text, fields.name_of("url")); });
  probe.args["host"] = url.address.host;
  probe.args["port"] = url.address.port;
  if (url.authority != fmt::format("{}:{}", url.address.host, url.address.port)) {
    probe.args["authority"] = url.authority;
  }
  if (fields.has("mix")) {
    for (const auto* field : {"method", "body", "headers", "expect"}) {
      if (fields.has(field)) {
        fields.at(field, [&] {
          refuse(fmt::format("http: with 'mix' each of its requests has its own '{}'", field));
        });
      }
    }
    read_mix(lua, fields, url, probe.args);
  } else {
    read_request(lua, fields, url.path, probe.args);
  }
  fields.with("connections", [&](int index, const std::string& what) {
    probe.args["connections"] = static_cast<int>(to_whole(lua, index, what, 1, max_connections));
  });
  fields.with("keep_alive", [&](int index, const std::string& what) {
    probe.args["keep_alive"] = to_bool(lua, index, what);
  });
  read_rows(lua, fields, probe.args);
  read_tls(lua, fields, url, probe.args);
  read_sessions(lua, fields, probe.args);
  push(lua, std::move(probe));
  return 1;
}

}  // namespace faultline::script
