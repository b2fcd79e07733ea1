#include "faults/failover.hpp"
#include "faults/kinds.hpp"

namespace faultline::faults {
namespace {

Store database() {
  return {.kind = "database",
          .first = "writable node",
          .others = "read-only nodes",
          .role = "rw",
          .manager = "the database manager",
          .switchover = "database.switchover",
          .moved = "database.rw_not"};
}

Result<Plan> plan(const World& world, const Json& params, const std::string& id) {
  return plan_failover(database(), world, params, id);
}

}  // namespace

Kind db_failover() {
  return {
      .name = "db_failover",
      .summary = "The writable node of a database is lost, or moved",
      .capability = "kill, stop or isolate a database node, or ask the manager for a switchover",
      .params = {{.name = "database",
                  .type = ParamType::database,
                  .doc = "the database whose writable node is lost"},
                 failover_mode(database())},
      .plan = plan};
}

}  // namespace faultline::faults
