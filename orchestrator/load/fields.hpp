#pragma once

#include "targets/error.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace faultline::load {

using Json = nlohmann::json;

/// Reads the fields of an object with their types and limits. The first thing that is wrong is
/// remembered, later reads give zero values; names that nobody read are wrong too.
class Fields {
 public:
  /// `where` begins every error: "args of the probe 'login'".
  Fields(const Json& object, std::string where);

  /// Required unless there is a fallback.
  std::string text(const char* name, std::optional<std::string> fallback = {});
  double number(const char* name, double min, double max, std::optional<double> fallback = {});
  std::uint64_t whole(const char* name, std::uint64_t fallback);
  bool flag(const char* name, bool fallback);
  std::vector<std::string> texts(const char* name);
  /// A list of so many items at most, which are for a `Fields` of their own; none when absent.
  std::vector<Json> objects(const char* name, std::size_t max);
  /// An object of texts; none when absent.
  std::vector<std::pair<std::string, std::string>> pairs(const char* name);
  /// Any object; empty when absent.
  Json object(const char* name);

  /// Whether it is there; it still has to be read.
  [[nodiscard]] bool has(const char* name) const { return object_.contains(name); }
  /// A list of so many lists of texts at most; none when absent.
  std::vector<std::vector<std::string>> lists(const char* name, std::size_t max);
  void wrong(const std::string& what);
  [[nodiscard]] bool ok() const { return problem_.empty(); }
  /// Error `usage` with the first thing that was wrong.
  [[nodiscard]] Result<> done() const;

 private:
  const Json* find(const char* name, bool required);

  Json object_;
  std::string where_, problem_;
  std::vector<std::string> known_;
};

}  // namespace faultline::load
