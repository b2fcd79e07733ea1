#include "orchestrator/cli/commands.hpp"
#include "orchestrator/cli/look.hpp"
#include "orchestrator/cli/outcome.hpp"
#include "orchestrator/cli/session.hpp"
#include "orchestrator/cli/table.hpp"
#include "orchestrator/report/console.hpp"
#include "orchestrator/script/loader.hpp"
#include "orchestrator/slo/bounds.hpp"
#include "targets/say.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unistd.h>

/// `faultline calibrate`: a drill without its faults, again and again. What fails then would fail
/// falsely in a drill.
namespace faultline::cli {
namespace {

using nlohmann::json;

constexpr std::size_t max_runs = 1'000;

struct CalibrateOptions {
  std::string file;
  std::string environment = "lab";
  std::string profile, timeout;
  std::vector<std::string> vars;
  std::optional<std::size_t> variant;
  std::size_t runs = 5;
  std::uint64_t seed = 1;
  Outputs outputs;
  bool quiet = false;
};

/// What one promise of the drill came to in all runs.
struct Promise {
  std::string name, phase, unit;
  double objective = 0;
  std::size_t runs = 0, failed = 0, undecided = 0;
  std::vector<double> measured;
};

void count(std::vector<Promise>& promises, const json& record) {
  for (const auto& o : record.at("objectives")) {
    // What a baseline makes of a promise differs from run to run.
    const auto name = o.value("promise", o.at("name").get<std::string>());
    const auto phase = o.at("phase").get<std::string>();
    auto found = std::ranges::find_if(
        promises, [&](const Promise& p) { return p.name == name && p.phase == phase; });
    if (found == promises.end()) {
      promises.push_back({name, phase, o.at("unit"), o.at("objective").get<double>()});
      found = std::prev(promises.end());
    }
    const auto verdict = o.at("verdict").get<std::string>();
    // A baseline that does not hold ends a drill before it began: that is a false failure, too.
    const bool missed = phase == "baseline" &&
                        o.at("reason").get<std::string>().starts_with("the baseline did not hold");
    ++found->runs;
    found->failed += verdict == "failed" || missed ? 1 : 0;
    found->undecided += verdict == "inconclusive" && !missed ? 1 : 0;
    if (o.at("measured").is_number()) {
      found->measured.push_back(o.at("measured").get<double>());
    }
  }
}

/// The share of runs that fail falsely is at most that, at 95 %.
double at_most_percent(std::size_t failed, std::size_t runs) {
  return 100 - slo::established_percent(runs - failed, runs);
}

std::string spread(const Promise& p) {
  if (p.measured.empty()) {
    return "-";
  }
  const auto [low, high] = std::ranges::minmax(p.measured);
  return low == high ? fmt::format("{:.4g} {}", low, p.unit)
                     : fmt::format("{:.4g} to {:.4g} {}", low, high, p.unit);
}

std::string table_of(const std::vector<Promise>& promises) {
  std::vector<std::vector<std::string>> rows{
      {"PHASE", "RUNS", "FAILED FALSELY", "UNDECIDED", "MEASURED", "PROMISE"}};
  for (const auto& p : promises) {
    rows.push_back({p.phase, std::to_string(p.runs), std::to_string(p.failed),
                    std::to_string(p.undecided), spread(p), p.name});
  }
  return aligned(rows);
}

struct Calibration {
  std::size_t runs = 0, failed = 0, undecided = 0;
  std::vector<std::string> reasons;  ///< of those that did not pass
  std::vector<Promise> promises;
  std::string ended;  ///< why there were not as many as asked for

  [[nodiscard]] std::size_t decided() const { return runs - undecided; }
};

std::string words_of(const Calibration& all) {
  if (all.decided() == 0) {
    return "nothing is known: no run came to a decision";
  }
  return fmt::format(
      "{} of {} runs without faults failed falsely{}; at 95 %, at most {:.3g} % do", all.failed,
      all.decided(),
      all.undecided == 0 ? "" : fmt::format(" ({} more were inconclusive)", all.undecided),
      at_most_percent(all.failed, all.decided()));
}

json record_of(const Calibration& all, const engine::Experiment& experiment,
               const engine::Environment& environment) {
  json promises = json::array();
  for (const auto& p : all.promises) {
    promises.push_back({{"name", p.name},
                        {"phase", p.phase},
                        {"runs", p.runs},
                        {"failed_falsely", p.failed},
                        {"undecided", p.undecided},
                        {"objective", p.objective},
                        {"unit", p.unit},
                        {"measured", p.measured}});
  }
  return {{"schema", "faultline.calibration/1"},
          {"experiment", experiment.name},
          {"environment", environment.name},
          {"script_sha256", experiment.sha256},
          {"environment_sha256", environment.sha256},
          {"runs", all.runs},
          {"failed_falsely", all.failed},
          {"inconclusive", all.undecided},
          {"at_most_percent_95",
           all.decided() == 0 ? json() : json(at_most_percent(all.failed, all.decided()))},
          {"reasons", all.reasons},
          {"promises", promises}};
}

void take(Calibration& all, const engine::RunResult& result, bool baseline_missed) {
  ++all.runs;
  const bool stopped = result.record.at("verdict") == "aborted";
  const bool failed = result.exit_code == 1 || baseline_missed || stopped;
  all.failed += failed ? 1 : 0;
  all.undecided += result.exit_code != 0 && !failed ? 1 : 0;
  if (result.exit_code != 0) {
    all.reasons.push_back(result.record.at("reason"));
  }
}

bool missed_its_baseline(const json& record) {
  return std::ranges::any_of(record.at("objectives"), [](const json& o) {
    return o.at("reason").get<std::string>().starts_with("the baseline did not hold");
  });
}

/// Whether the next run may begin.
bool goes_on(const engine::RunResult& result, const Session& session, Calibration& all) {
  all.ended = session.stopped();
  if (all.ended.empty() && result.exit_code == 5) {
    all.ended = result.record.at("reason");
  }
  return all.ended.empty();
}

int exit_code_of(const Calibration& all) {
  return all.failed > 0 ? 1 : all.decided() == 0 || !all.ended.empty() ? 3 : 0;
}

Result<Calibration> run_all(const CalibrateOptions& o, Session& session,
                            const engine::Environment& environment,
                            const script::LoadOptions& load) {
  Calibration all;
  for (std::size_t i = 0; i < o.runs; ++i) {
    const auto experiment = script::load_experiment(o.file, environment, load);
    if (!experiment) {
      return experiment.error();
    }
    const auto result = session.run(*experiment);
    count(all.promises, result.record);
    take(all, result, missed_its_baseline(result.record));
    if (!o.quiet) {
      say(stderr, "run {} of {}: {}\n", i + 1, o.runs,
          result.exit_code == 0 ? "nothing failed" : result.record.at("reason").get<std::string>());
    }
    if (!goes_on(result, session, all)) {
      break;
    }
  }
  return ok(std::move(all));
}

int calibrate(const Context& context, const CalibrateOptions& o) {
  const auto environment = script::load_environment(o.environment, {});
  const auto vars = parse_vars(o.vars);
  if (!environment || !vars) {
    return report(environment ? vars.error() : environment.error());
  }
  const auto kind = target_kind(*environment);
  if (!kind) {
    return report(kind.error());
  }
  const script::LoadOptions load{.vars = *vars, .variant = o.variant, .limits = {}};
  const auto world = (*kind)->blueprint(o.profile.empty() ? "hardened" : o.profile);
  const auto dry = look_over(o.file, *environment, load, world, true);
  if (!dry || dry->refused) {
    return report(dry ? *dry->refused : dry.error());
  }
  if (const auto writable = check_outputs(o.outputs); !writable) {
    return report(writable.error());
  }
  Session::Options wanted{.environment = *environment,
                          .profile = o.profile,
                          .seed = o.seed,
                          // Nothing is injected, so there is nothing to agree to.
                          .approvals = {{"nobody", "without faults"}},
                          .without_faults = true};
  if (!o.timeout.empty()) {
    const auto timeout = parse_duration(o.timeout);
    if (!timeout) {
      return report(timeout.error());
    }
    wanted.timeout = *timeout;
  }
  const bool live = ::isatty(STDERR_FILENO) != 0 && !o.quiet;
  const bool colour = ::isatty(STDERR_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  faultline::report::Console console(stderr, live, colour, o.quiet || !live);
  wanted.on_event = [&](const json& event) { console.on(event); };
  wanted.progress = [&](const std::string& text) {
    if (!o.quiet) {
      say(stderr, "{}\n", text);
    }
  };
  clear_outputs(o.outputs);
  const auto session = Session::open(context, std::move(wanted));
  if (!session) {
    return report(session.error());
  }
  const auto all = run_all(o, **session, *environment, load);
  const auto experiment = script::load_experiment(o.file, *environment, load);
  if (!all || !experiment) {
    return report(all ? experiment.error() : all.error());
  }
  if (const auto written = write_outputs(o.outputs, {record_of(*all, *experiment, *environment)});
      !written) {
    return report(written.error());
  }
  if (!o.quiet) {
    say(stderr, "\n{}\n", table_of(all->promises));
  }
  say(stderr, "{}: {}\n", experiment->name, words_of(*all));
  if (!all->ended.empty()) {
    say(stderr, "ended early: {}\n", all->ended);
  }
  return exit_code_of(*all);
}

}  // namespace

void add_calibrate(CLI::App& app, Context& context) {
  auto o = std::make_shared<CalibrateOptions>();
  auto* command = app.add_subcommand(
      "calibrate", "run an experiment without its faults: how often would it fail falsely?");
  command->add_option("FILE", o->file, "an experiment, a Lua file")->required();
  command->add_option("--runs", o->runs, "how many; 59 without a failure establish 95 %")
      ->check(CLI::Range(std::size_t{1}, max_runs));
  command->add_option("--env", o->environment, "environment: lab, or a Lua file");
  command->add_option("--profile", o->profile, "profile of the lab: hardened (default) or naive");
  command->add_option("--var", o->vars, "set a parameter: name=value")->type_name("NAME=VALUE");
  command->add_option("--variant", o->variant, "the N-th of the script's variants, from 1");
  command->add_option("--seed", o->seed, "seed of everything random");
  command->add_option("--timeout", o->timeout, "end each run after: 90s, 5m");
  command->add_option("--json", o->outputs.json, "write the figures; - is standard output")
      ->take_last();
  command->add_flag("--quiet", o->quiet, "only the last line");
  command->callback(
      [o, &context] { context.action = [o, &context] { return calibrate(context, *o); }; });
}

}  // namespace faultline::cli
