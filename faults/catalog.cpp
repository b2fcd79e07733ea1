#include "faults/catalog.hpp"

#include "faults/kinds.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace faultline::faults {

std::span<const Kind> catalog() {
  static const std::array kinds{
      az_partition(),    db_failover(),  redis_failover(),
      snat_exhaustion(), spot_reclaim(), third_party(),
  };
  return kinds;
}

Result<const Kind*> find(std::string_view name) {
  const auto kinds = catalog();
  const auto it = std::ranges::find(kinds, name, &Kind::name);
  if (it != kinds.end()) {
    return &*it;
  }
  std::vector<std::string> names;
  for (const auto& kind : kinds) {
    names.push_back(kind.name);
  }
  return Error{ErrorKind::usage,
               fmt::format("unknown fault '{}'{}", name, suggestion(name, names))};
}

}  // namespace faultline::faults
