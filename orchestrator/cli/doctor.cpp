#include "orchestrator/cli/commands.hpp"
#include "orchestrator/cli/table.hpp"
#include "targets/lab/launch.hpp"

#include <fmt/format.h>

namespace faultline::cli {
namespace {

constexpr int exit_lacking = 3;

int doctor(const Context& context) {
  std::vector<std::vector<std::string>> rows{{"WHAT", "", "FOUND"}};
  std::string remedies;
  bool able = true;
  for (const auto& f : lab::doctor(context.home)) {
    rows.push_back({f.what, f.ok ? "ok" : "MISSING", f.found});
    if (!f.ok) {
      remedies += fmt::format("  {}: {}\n", f.what, f.remedy);
    }
    able = able && f.ok;
  }
  fmt::print("{}", aligned(rows));
  if (!remedies.empty()) {
    fmt::print("\nRemedies:\n{}", remedies);
  }
  fmt::print("\n{}\n", able ? "A lab can be started: faultline lab up"
                            : "A lab cannot be started until what is MISSING is there.");
  return able ? 0 : exit_lacking;
}

}  // namespace

void add_doctor(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("doctor", "what this machine has and lacks for a lab");
  command->callback([&context] { context.action = [&context] { return doctor(context); }; });
}

}  // namespace faultline::cli
