#include "targets/lab/services/flags.hpp"

#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <optional>

namespace faultline::services {
namespace {

constexpr int max_held_writes = 128;  ///< below the node's threads, else held writes starve reads
constexpr int max_deadline_ms = 60'000;  ///< longer than any client of the lab waits

using Values = std::map<std::string, std::string>;

Error usage(std::string message) {
  return {ErrorKind::usage, "faultline-saas: " + message};
}

/// Every flag takes a value, all of `names` are required and nothing else is known.
Result<Values> read_values(std::span<const std::string> args, std::span<const std::string> names) {
  Values values;
  for (std::size_t i = 0; i < args.size(); i += 2) {
    if (std::find(names.begin(), names.end(), args[i]) == names.end()) {
      return usage(fmt::format("unknown flag '{}'{}", args[i], suggestion(args[i], names)));
    }
    if (i + 1 == args.size()) {
      return usage(fmt::format("{} needs a value", args[i]));
    }
    values[args[i]] = args[i + 1];
  }
  for (const auto& name : names) {
    if (values[name].empty()) {
      return usage(name + " is missing");
    }
  }
  return values;
}

Result<int> number(const Values& values, const std::string& flag, int min, int max) {
  const std::string& text = values.at(flag);
  int n = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (code != std::errc{} || end != text.data() + text.size() || n < min || n > max) {
    return usage(
        fmt::format("{} expects a number from {} to {}, found '{}'", flag, min, max, text));
  }
  return n;
}

/// Of several values read in a row, the first that is wrong.
struct FirstError {
  std::optional<Error> error;

  template <class T>
  T or_value(Result<T> result) {
    if (result) {
      return std::move(*result);
    }
    if (!error) {
      error = result.error();
    }
    return {};
  }
};

}  // namespace

std::string to_string(const Endpoint& endpoint) {
  return fmt::format("{}:{}", endpoint.address, endpoint.port);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  Endpoint endpoint{std::string(text.substr(0, colon)), 0};
  in_addr ignored{};
  bool ok = colon != text.npos && inet_pton(AF_INET, endpoint.address.c_str(), &ignored) == 1;
  if (ok) {
    const auto* last = text.data() + text.size();
    const auto [end, code] = std::from_chars(text.data() + colon + 1, last, endpoint.port);
    ok = code == std::errc{} && end == last && endpoint.port != 0;
  }
  if (!ok) {
    return usage(fmt::format("expected IPV4:PORT (there is no resolver here), found '{}'", text));
  }
  return endpoint;
}

Result<std::vector<Endpoint>> parse_endpoints(std::string_view text) {
  std::vector<Endpoint> endpoints;
  while (true) {
    const auto comma = text.find(',');
    auto endpoint = parse_endpoint(text.substr(0, comma));
    if (!endpoint) {
      return endpoint.error();
    }
    endpoints.push_back(std::move(*endpoint));
    if (comma == text.npos) {
      return endpoints;
    }
    text.remove_prefix(comma + 1);
  }
}

Result<Flags> parse_flags(std::span<const std::string> args) {
  const std::vector<std::string> names{"--node",
                                       "--zone",
                                       "--listen",
                                       "--sentinels",
                                       "--cache",
                                       "--hold-writes",
                                       "--client-deadline-ms",
                                       "--catalog"};
  auto values = read_values(args, names);
  if (!values) {
    return values.error();
  }
  FirstError first;
  Flags flags;
  flags.node = (*values)["--node"];
  flags.zone = (*values)["--zone"];
  flags.listen = first.or_value(parse_endpoint((*values)["--listen"]));
  flags.sentinels = first.or_value(parse_endpoints((*values)["--sentinels"]));
  flags.cache = (*values)["--cache"];
  flags.hold_writes = first.or_value(number(*values, "--hold-writes", 0, max_held_writes));
  flags.client_deadline = std::chrono::milliseconds(
      first.or_value(number(*values, "--client-deadline-ms", 1, max_deadline_ms)));
  flags.catalog = (*values)["--catalog"];
  return first.error ? Result<Flags>(*first.error) : flags;
}

Result<RedisNodeFlags> parse_redis_node_flags(std::span<const std::string> args) {
  const std::vector<std::string> names{"--listen", "--home", "--sentinels", "--cache", "--config"};
  auto values = read_values(args, names);
  if (!values) {
    return values.error();
  }
  FirstError first;
  RedisNodeFlags flags;
  flags.listen = first.or_value(parse_endpoint((*values)["--listen"]));
  flags.home = first.or_value(parse_endpoint((*values)["--home"]));
  flags.sentinels = first.or_value(parse_endpoints((*values)["--sentinels"]));
  flags.cache = (*values)["--cache"];
  flags.config = (*values)["--config"];
  return first.error ? Result<RedisNodeFlags>(*first.error) : flags;
}

}  // namespace faultline::services
