#pragma once

#include "orchestrator/cli/command.hpp"

/// The commands, each in a file of its name.
namespace faultline::cli {

void add_run(CLI::App& app, Context& context);
void add_plan(CLI::App& app, Context& context);
void add_calibrate(CLI::App& app, Context& context);
void add_inject(CLI::App& app, Context& context);
void add_guard(CLI::App& app, Context& context);
void add_recover(CLI::App& app, Context& context);
void add_journal(CLI::App& app, Context& context);
void add_abort(CLI::App& app, Context& context);
void add_check(CLI::App& app, Context& context);
void add_new(CLI::App& app, Context& context);
void add_env(CLI::App& app, Context& context);
void add_faults(CLI::App& app, Context& context);
void add_load(CLI::App& app, Context& context);
void add_lab(CLI::App& app, Context& context);
void add_doctor(CLI::App& app, Context& context);
void add_history(CLI::App& app, Context& context);
void add_show(CLI::App& app, Context& context);

// Not in --help: what the lab starts, by argv.
void add_supervise(CLI::App& app, Context& context);
void add_worker(CLI::App& app, Context& context);

}  // namespace faultline::cli
