#include "orchestrator/load/source.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

#include <array>

namespace faultline::load {

std::span<const Kind> catalog() {
  static constexpr std::array kinds{
      Kind{"http", make_http},
      Kind{"redis_writes", make_redis_writes},
      Kind{"sql_writes", make_sql_writes},
      Kind{"replica_lag", make_replica_lag},
      Kind{"redis", make_redis_ping},
      Kind{"tcp", make_tcp},
  };
  return kinds;
}

Result<const Kind*> find_kind(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& kind : catalog()) {
    if (kind.name == name) {
      return &kind;
    }
    names.emplace_back(kind.name);
  }
  return Error{ErrorKind::usage,
               fmt::format("unknown kind of probe '{}'{}", name, suggestion(name, names))};
}

}  // namespace faultline::load
