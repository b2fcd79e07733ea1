#include "faults/failover.hpp"
#include "faults/kinds.hpp"

namespace faultline::faults {
namespace {

Store cache() {
  return {.kind = "cache",
          .first = "writable primary",
          .others = "replicas",
          .role = "primary",
          .manager = "Sentinel",
          .switchover = "cache.switchover",
          .moved = "cache.primary_not"};
}

Result<Plan> plan(const World& world, const Json& params, const std::string& id) {
  return plan_failover(cache(), world, params, id);
}

}  // namespace

Kind redis_failover() {
  return {.name = "redis_failover",
          .summary = "The primary of a Redis cache is lost, or moved",
          .capability = "kill, stop or isolate a Redis node, or ask Sentinel for a switchover",
          .params = {{.name = "cache",
                      .type = ParamType::cache,
                      .doc = "the cache whose primary is lost"},
                     failover_mode(cache())},
          .plan = plan};
}

}  // namespace faultline::faults
