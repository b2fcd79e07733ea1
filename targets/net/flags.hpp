#pragma once

#include "targets/net/endpoint.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace faultline::net {

/// The command line of one of the lab's own programs: `--name value` pairs, each of `names` exactly
/// once and nothing else. Getters remember the first value that is wrong, so that a caller reads
/// everything and then asks `result()`.
class FlagReader {
 public:
  FlagReader(std::span<const std::string> args, std::vector<std::string> names);

  std::string text(const std::string& name);
  int number(const std::string& name, int min, int max);
  std::chrono::milliseconds ms(const std::string& name, int min, int max);
  Endpoint endpoint(const std::string& name);
  std::vector<Endpoint> endpoints(const std::string& name);

  /// Error `usage` names the flag, what was expected and what was found.
  [[nodiscard]] Result<> result() const;
  /// `value`, which was read from here, or that error.
  template <class T>
  [[nodiscard]] Result<T> result(T value) const {
    return error_ ? Result<T>(*error_) : Result<T>(std::move(value));
  }

 private:
  void wrong(std::string message);
  template <class T>
  T value_or_wrong(const std::string& name, Result<T> parsed);

  std::map<std::string, std::string> values_;
  std::optional<Error> error_;
};

/// Prints the error on stderr; the exit code of such a program: 2 for `usage`, else 1.
int fail(const Error& error);

}  // namespace faultline::net
