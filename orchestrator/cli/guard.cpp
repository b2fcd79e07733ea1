#include "orchestrator/guard/guard.hpp"

#include "orchestrator/cli/commands.hpp"

namespace faultline::cli {

void add_guard(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("guard", "puts back what an orchestrator leaves");
  command->group("");  // started by whoever injects, not by people
  command->callback(
      [&context] { context.action = [&context] { return guard::guard_main(context.home); }; });
}

}  // namespace faultline::cli
