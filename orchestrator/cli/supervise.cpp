#include "orchestrator/cli/commands.hpp"
#include "targets/lab/supervisor.hpp"

namespace faultline::cli {

void add_supervise(CLI::App& app, Context& context) {
  auto options = std::make_shared<lab::SupervisorOptions>();
  auto* command = app.add_subcommand("supervise", "pid 1 of a lab");
  command->group("");  // started by `lab up`, not by people
  command->add_option("--home", options->home)->required();
  command->add_option("--programs", options->programs)->required();
  command->add_option("--cache", options->cache);
  command->add_option("--profile", options->profile)->required();
  command->add_option("--snat-ports", options->snat_ports);
  command->add_option("--ready-fd", options->ready_fd)->required();
  command->add_option("--lifeline-fd", options->lifeline_fd);
  command->callback([options, &context] {
    context.action = [options] { return lab::supervisor_main(*options); };
  });
}

}  // namespace faultline::cli
