#include "orchestrator/cli/commands.hpp"
#include "orchestrator/cli/control.hpp"
#include "orchestrator/cli/outcome.hpp"

#include <fmt/format.h>

namespace faultline::cli {
namespace {

struct AbortOptions {
  std::string run;
  std::string reason = "by `faultline abort`";
};

int abort_all(const Context& context, const AbortOptions& o) {
  const auto all = abort_runs(context.home, o.run, o.reason);
  if (all.empty()) {
    fmt::print("no run {}to abort in {}\n", o.run.empty() ? "" : o.run + " ",
               context.home.string());
    return 3;
  }
  int code = 0;
  for (const auto& run : all) {
    const bool put_back = run.exit_code && *run.exit_code != 5;
    fmt::print("{}: {}{}\n", run.run, put_back ? "reverted and over: " : "", run.words);
    code = worst(code, put_back ? 0 : run.exit_code.value_or(3));
  }
  return code;
}

}  // namespace

void add_abort(CLI::App& app, Context& context) {
  auto o = std::make_shared<AbortOptions>();
  auto* command = app.add_subcommand("abort", "stop the runs of this home and revert now");
  command->add_option("RUN", o->run, "only this run, by its id or the beginning of it");
  command->add_option("--reason", o->reason, "for the record");
  command->callback(
      [o, &context] { context.action = [o, &context] { return abort_all(context, *o); }; });
}

}  // namespace faultline::cli
