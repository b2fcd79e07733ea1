#include "orchestrator/load/worker.hpp"

#include "orchestrator/cli/commands.hpp"

namespace faultline::cli {

void add_worker(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("worker", "load and measurement at a client's place");
  command->group("");  // started by a target, not by people
  command->callback([&context] { context.action = load::worker_main; });
}

}  // namespace faultline::cli
