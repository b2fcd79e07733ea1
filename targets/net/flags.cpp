#include "targets/net/flags.hpp"

#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace faultline::net {

FlagReader::FlagReader(std::span<const std::string> args, std::vector<std::string> names) {
  for (std::size_t i = 0; i < args.size(); i += 2) {
    if (std::ranges::find(names, args[i]) == names.end()) {
      wrong(fmt::format("unknown flag '{}'{}", args[i], suggestion(args[i], names)));
    } else if (i + 1 == args.size()) {
      wrong(fmt::format("{} needs a value", args[i]));
    } else if (!values_.emplace(args[i], args[i + 1]).second) {
      wrong(fmt::format("{} is there twice", args[i]));
    }
  }
  for (const auto& name : names) {
    if (values_[name].empty()) {
      wrong(name + " is missing");
    }
  }
}

void FlagReader::wrong(std::string message) {
  if (!error_) {
    error_ = Error{ErrorKind::usage, "faultline-saas: " + std::move(message)};
  }
}

std::string FlagReader::text(const std::string& name) {
  return values_.at(name);
}

int FlagReader::number(const std::string& name, int min, int max) {
  const std::string& text = values_.at(name);
  int n = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (code != std::errc{} || end != text.data() + text.size() || n < min || n > max) {
    wrong(fmt::format("{} expects a number from {} to {}, found '{}'", name, min, max, text));
    return min;
  }
  return n;
}

std::chrono::milliseconds FlagReader::ms(const std::string& name, int min, int max) {
  return std::chrono::milliseconds(number(name, min, max));
}

template <class T>
T FlagReader::value_or_wrong(const std::string& name, Result<T> parsed) {
  if (!parsed) {
    wrong(fmt::format("{}: {}", name, parsed.error().message));
    return {};
  }
  return std::move(*parsed);
}

Endpoint FlagReader::endpoint(const std::string& name) {
  return value_or_wrong(name, parse_endpoint(values_.at(name)));
}

std::vector<Endpoint> FlagReader::endpoints(const std::string& name) {
  return value_or_wrong(name, parse_endpoints(values_.at(name)));
}

Result<> FlagReader::result() const {
  return error_ ? Result<>(*error_) : Result<>{};
}

int fail(const Error& error) {
  constexpr int exit_usage = 2;
  fmt::print(stderr, "{}\n", error.message);
  return error.kind == ErrorKind::usage ? exit_usage : 1;
}

}  // namespace faultline::net
