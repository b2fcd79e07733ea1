#include "orchestrator/cli/commands.hpp"
#include "orchestrator/cli/look.hpp"
#include "orchestrator/cli/outcome.hpp"
#include "orchestrator/cli/session.hpp"
#include "orchestrator/report/console.hpp"
#include "orchestrator/report/table.hpp"
#include "orchestrator/report/verdict.hpp"
#include "orchestrator/script/loader.hpp"
#include "targets/say.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace faultline::cli {
namespace {

constexpr const char* default_profile = "hardened";

struct RunOptions {
  std::vector<std::string> files;
  std::string environment = "lab";
  std::string profile;
  std::vector<std::string> vars, approvals;
  std::optional<std::size_t> variant;
  std::uint64_t seed = 1;
  std::string timeout, wait;
  Outputs outputs;
  bool quiet = false;
};

bool colour_wanted(int fd) {
  return ::isatty(fd) != 0 && std::getenv("NO_COLOR") == nullptr;
}

/// What became of all files of one command, in their order.
struct Outcomes {
  std::vector<nlohmann::json> records;
  int code = 0;
};

/// An experiment that is not run must not make the others look like all there was.
void add_not_run(Outcomes& outcomes, const std::string& file, const RunOptions& options,
                 const engine::Environment& environment, const script::LoadOptions& load,
                 const std::string& why) {
  engine::Experiment experiment;
  experiment.name = std::filesystem::path(file).stem().string();
  if (auto loaded = script::load_experiment(file, environment, load)) {
    experiment = std::move(*loaded);
  }
  const auto profile = options.profile.empty() ? std::string(default_profile) : options.profile;
  outcomes.records.push_back(not_run(experiment, environment, profile, why));
  outcomes.code = worst(outcomes.code, 3);
  say(stderr, "{}\n", faultline::report::last_line(outcomes.records.back()));
}

Outcomes run_all(const Context& context, const RunOptions& options, Session& session,
                 const engine::Environment& environment, const script::LoadOptions& load,
                 const std::map<std::string, script::DryRun>& dry) {
  Outcomes outcomes;
  std::string ended;  // why no further one is run
  for (const auto& file : options.files) {
    ended = ended.empty() ? session.stopped() : ended;
    if (!ended.empty()) {
      add_not_run(outcomes, file, options, environment, load, ended);
      continue;
    }
    // Loaded anew: what the dry pass did to the script's state must not show in the run.
    auto experiment = script::load_experiment(file, environment, load);
    if (!experiment) {
      add_not_run(outcomes, file, options, environment, load, experiment.error().message);
      continue;
    }
    experiment->monitored = dry.at(file).monitored;
    auto result = session.run(*experiment);
    outcomes.code = worst(outcomes.code, keep(context, result, session.target()));
    say(stderr, "{}\n", faultline::report::last_line(result.record));
    if (result.exit_code == 5) {
      ended = "the environment is not as it was, because the undo before was incomplete";
    }
    outcomes.records.push_back(std::move(result.record));
  }
  return outcomes;
}

int write_down(const RunOptions& options, Outcomes outcomes) {
  if (const auto written = write_outputs(options.outputs, outcomes.records); !written) {
    outcomes.code = worst(outcomes.code, report(written.error()));
  }
  if (outcomes.records.size() > 1) {
    say(stderr, "\n{}",
        faultline::report::drill_table(outcomes.records, colour_wanted(STDERR_FILENO)));
  }
  return outcomes.code;
}

Result<Session::Options> session_options(const RunOptions& options,
                                         const engine::Environment& environment) {
  Session::Options out{
      .environment = environment, .profile = options.profile, .seed = options.seed};
  for (const auto& [text, into] : {std::pair{options.timeout, 0}, std::pair{options.wait, 1}}) {
    if (text.empty()) {
      continue;
    }
    const auto duration = parse_duration(text);
    if (!duration) {
      return duration.error();
    }
    if (into == 0) {
      out.timeout = *duration;
    } else {
      out.wait_for_owner = *duration;
    }
  }
  return out;
}

int run(const Context& context, const RunOptions& options) {
  const auto environment = script::load_environment(options.environment, {});
  if (!environment) {
    return report(environment.error());
  }
  const auto vars = parse_vars(options.vars);
  const auto approvals = parse_approvals(options.approvals);
  if (!vars || !approvals) {
    return report(vars ? approvals.error() : vars.error());
  }
  const script::LoadOptions load{.vars = *vars, .variant = options.variant, .limits = {}};
  const auto kind = target_kind(*environment);
  if (!kind) {
    return report(kind.error());
  }
  const auto world =
      (*kind)->blueprint(options.profile.empty() ? default_profile : options.profile);
  std::map<std::string, script::DryRun> dry;
  for (const auto& file : options.files) {
    auto looked = look_over(file, *environment, load, world, !approvals->empty());
    if (!looked || looked->refused) {
      return report(looked ? *looked->refused : looked.error());
    }
    dry.insert_or_assign(file, std::move(*looked));
  }
  if (const auto writable = check_outputs(options.outputs); !writable) {
    return report(writable.error());
  }
  auto wanted = session_options(options, *environment);
  if (!wanted) {
    return report(wanted.error());
  }
  wanted->approvals = *approvals;
  const bool live = ::isatty(STDERR_FILENO) != 0 && !options.quiet;
  faultline::report::Console console(stderr, live, colour_wanted(STDERR_FILENO), options.quiet);
  wanted->on_event = [&](const nlohmann::json& event) { console.on(event); };
  wanted->progress = [&](const std::string& text) {
    if (!options.quiet) {
      say(stderr, "{}\n", text);
    }
  };
  clear_outputs(options.outputs);
  const auto session = Session::open(context, std::move(*wanted));
  if (!session) {
    Outcomes outcomes{{}, report(session.error())};
    if (outcomes.code == 2) {
      return outcomes.code;  // found before anything was touched: there is no record
    }
    for (const auto& file : options.files) {
      add_not_run(outcomes, file, options, *environment, load, session.error().message);
    }
    return write_down(options, std::move(outcomes));
  }
  return write_down(options, run_all(context, options, **session, *environment, load, dry));
}

}  // namespace

void add_run(CLI::App& app, Context& context) {
  auto o = std::make_shared<RunOptions>();
  auto* command = app.add_subcommand("run", "run experiments and judge them");
  command->add_option("FILE", o->files, "experiments, Lua files")->required();
  command->add_option("--env", o->environment, "environment: lab, or a Lua file");
  command->add_option("--profile", o->profile, "profile of the lab: hardened (default) or naive");
  command->add_option("--var", o->vars, "set a parameter: name=value")->type_name("NAME=VALUE");
  command->add_option("--variant", o->variant, "run the N-th of the script's variants, from 1");
  add_approve(*command, o->approvals);
  command->add_option("--seed", o->seed, "seed of everything random; kept in the record");
  command->add_option("--timeout", o->timeout, "end the run after, reverted: 90s, 5m");
  command->add_option("--wait", o->wait, "wait so long for an environment that another run holds");
  command->add_option("--json", o->outputs.json, "write the record; - is standard output")
      ->take_last();
  command->add_option("--html", o->outputs.html, "write one self-contained page")->take_last();
  command->add_flag("--quiet", o->quiet, "only the last line");
  command->callback([o, &context] { context.action = [o, &context] { return run(context, *o); }; });
}

}  // namespace faultline::cli
