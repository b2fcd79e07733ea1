#pragma once

#include <string>
#include <string_view>
#include <vector>

/// What OpenSLO v1 documents may hold, as a table: the reader and what it prints cannot differ.
namespace faultline::slo {

inline constexpr std::string_view openslo_version = "openslo/v1";

/// A field that the specification has and this reader refuses.
struct Unsupported {
  std::string field;
  std::string reason;  ///< what it is, and what to write instead
};
/// The fields of one kind of map.
struct Shape {
  std::string name;
  std::vector<std::string> fields;
  std::vector<Unsupported> refused;
};

/// By name, such as "SLO spec"; there must be one.
const Shape& shape(std::string_view name);
/// The values of `kind`.
const std::vector<std::string>& openslo_kinds();

}  // namespace faultline::slo
