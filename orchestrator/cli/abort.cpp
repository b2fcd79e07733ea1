#include "orchestrator/cli/commands.hpp"
#include "orchestrator/cli/control.hpp"

#include <fmt/format.h>

namespace faultline::cli {
namespace {

struct AbortOptions {
  std::string run;
  std::string reason = "by `faultline abort`";
};

int abort_all(const Context& context, const AbortOptions& o) {
  const auto told = abort_runs(context.home, o.run, o.reason);
  if (!told) {
    return report(told.error());
  }
  if (*told == 0) {
    fmt::print("no run to abort in {}\n", context.home.string());
    return 3;
  }
  fmt::print("aborted {} run{}: reverted and over\n", *told, *told == 1 ? "" : "s");
  return 0;
}

}  // namespace

void add_abort(CLI::App& app, Context& context) {
  auto o = std::make_shared<AbortOptions>();
  auto* command = app.add_subcommand("abort", "stop the runs of this home and revert now");
  command->add_option("RUN", o->run, "only this run, by its id");
  command->add_option("--reason", o->reason, "for the record");
  command->callback(
      [o, &context] { context.action = [o, &context] { return abort_all(context, *o); }; });
}

}  // namespace faultline::cli
