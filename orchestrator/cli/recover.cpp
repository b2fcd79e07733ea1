#include "orchestrator/cli/commands.hpp"
#include "orchestrator/cli/session.hpp"

#include <fmt/format.h>

namespace faultline::cli {
namespace {

int recover(const Context& context) {
  const auto recovered = recover_leftovers(context);
  if (!recovered) {
    return report(recovered.error());
  }
  for (const auto& line : recovered->lines) {
    fmt::print("{}\n", line);
  }
  if (recovered->lines.empty()) {
    fmt::print("nothing to recover: no journal in {} holds an open fault\n", context.home.string());
  }
  return recovered->residue.empty() ? 0 : 5;
}

}  // namespace

void add_recover(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("recover", "put back what a run that died left behind");
  command->callback([&context] { context.action = [&context] { return recover(context); }; });
}

}  // namespace faultline::cli
