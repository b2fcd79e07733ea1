#include "orchestrator/cli/commands.hpp"
#include "orchestrator/cli/load_run.hpp"
#include "orchestrator/cli/look.hpp"
#include "orchestrator/cli/outcome.hpp"
#include "orchestrator/cli/session.hpp"
#include "orchestrator/cli/table.hpp"
#include "orchestrator/slo/histogram_log.hpp"
#include "targets/net/process.hpp"
#include "targets/say.hpp"
#include "targets/text.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <unistd.h>

namespace faultline::cli {
namespace {

using nlohmann::json;

struct LoadOptions {
  std::string file, environment, profile, histograms, wake_every;
  std::vector<std::string> allow;
  std::uint64_t seed = 1;
  Outputs outputs;
  bool quiet = false;
};

/// "62 us", "1.3 ms", "2.5 s": three digits, at any size. A figure that is not finite lies among
/// the bad requests.
std::string brief(double ms) {
  if (!std::isfinite(ms)) {
    return "bad";
  }
  const double us = ms * 1000;
  return us < 1e3   ? fmt::format("{:.0f} us", us)
         : us < 1e6 ? fmt::format("{:.3g} ms", us / 1e3)
                    : fmt::format("{:.3g} s", us / 1e6);
}

constexpr int signalled = 128;  // plus the signal: an exit code as shells have it

constexpr std::size_t max_errors_shown = 5;  // the record has them all

std::string errors_of(const json& probe) {
  std::vector<std::pair<std::uint64_t, std::string>> counts;
  for (const auto& [error, count] : probe["errors"].items()) {
    counts.emplace_back(count.get<std::uint64_t>(), error);
  }
  std::ranges::sort(counts, std::greater<>());
  std::string words;
  for (std::size_t i = 0; i < counts.size() && i < max_errors_shown; ++i) {
    words += fmt::format("{}{} x {}", i == 0 ? "" : ", ", counts[i].first, counts[i].second);
  }
  return counts.size() <= max_errors_shown
             ? words
             : fmt::format("{}, and {} other classes", words, counts.size() - max_errors_shown);
}

/// A figure that is null is `none`.
std::vector<std::string> row_of(const json& probe, const char* view, const json& figures,
                                std::uint64_t count, const char* none) {
  std::vector<std::string> row{probe["name"], view, std::to_string(count)};
  for (const auto* field : {"p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms"}) {
    row.push_back(figures[field].is_null() ? none : brief(figures[field].get<double>()));
  }
  return row;
}

/// What the load came to, for people.
std::string table_of(const json& record) {
  std::vector<std::vector<std::string>> amounts{
      {"PROBE", "ASKED/s", "SENT/s", "REQUESTS", "GOOD", "DEGRADED", "BAD", "ERRORS"}};
  std::vector<std::vector<std::string>> latencies{
      {"PROBE", "COUNTED FROM", "OF", "P50", "P90", "P99", "P99.9", "MAX"}};
  for (const auto& p : record["probes"]) {
    amounts.push_back(
        {p["name"],
         p["rate_per_s"].is_null() ? "-" : fmt::format("{:.12g}", p["rate_per_s"].get<double>()),
         fmt::format("{:.1f}", p["achieved_per_s"].get<double>()), p["requests"].dump(),
         p["good"].dump(), p["degraded"].dump(), p["bad"].dump(), errors_of(p)});
    const auto all = p["requests"].get<std::uint64_t>();
    const auto answered = all - p["bad"].get<std::uint64_t>();
    latencies.push_back(row_of(p, "when it was due", p, all, all == 0 ? "-" : "bad"));
    latencies.push_back(row_of(p, "when it was sent", p["uncorrected"], answered, "-"));
  }
  return aligned(amounts) + "\n" + aligned(latencies);
}

/// The standard HdrHistogram log of every second, a tag for each probe. A bad request is slower
/// than any threshold, so it counts as the longest time that a histogram holds.
class HistogramFile {
 public:
  explicit HistogramFile(const std::string& file) : out_(file) {}
  [[nodiscard]] bool good() const { return out_.good(); }
  void begin(WallTime base) { out_ << slo::log_header(base); }
  void add(const std::string& probe, std::int64_t number, const load::Tally& told) {
    constexpr Duration second = std::chrono::seconds(1);
    auto latency = told.latency;
    latency.record(slo::Histogram::highest_us, told.bad);
    out_ << slo::log_line(probe, number * second, second, latency);
  }
  /// False when not everything could be written.
  bool end() {
    out_.close();
    return out_.good();
  }

 private:
  std::ofstream out_;
};

/// Where the workers are started: on this machine, or in an environment, which is staged if none
/// is up.
struct Ground {
  std::unique_ptr<targets::Target> target;  ///< none: this machine
  LoadRun::StartWorker start_worker;
};

Result<Ground> open_ground(const Context& context, boost::asio::io_context& io,
                           const LoadOptions& options, const engine::Environment& environment) {
  Ground ground;
  if (options.environment.empty()) {
    ground.start_worker = [&io](targets::WorkerSpec spec, const auto& done) {
      done(net::start_on_this_machine(io, std::move(spec)));
    };
    return ground;
  }
  const auto kind = target_kind(environment);
  if (!kind) {
    return kind.error();
  }
  auto target = (*kind)->open(
      io, {.home = context.home,
           .cache = context.cache,
           .profile = options.profile,
           .stage = true,
           .progress = [](const std::string& step) { say(stderr, "staging: {}\n", step); }});
  if (!target) {
    return target.error();
  }
  ground.target = std::move(*target);
  ground.start_worker = [at = ground.target.get()](targets::WorkerSpec spec, auto done) {
    at->start_worker(std::move(spec), std::move(done));
  };
  return ground;
}

Sending sending_of(const LoadOptions& options) {
  Sending how{.id = new_run_id(), .seed = options.seed, .allow = options.allow};
  if (!options.wake_every.empty()) {
    how.wake_every = parse_duration(options.wake_every).value();
  }
  return how;
}

struct Outcome {
  json record;
  int signal = 0;  ///< that ended it
};

Outcome measure(const script::Load& plan, const LoadOptions& options, const Sending& how,
                boost::asio::io_context& io, const Ground& ground, HistogramFile* histograms) {
  const bool live = !options.quiet && ::isatty(STDERR_FILENO) != 0;
  LoadRun run({.load = plan,
               .start_worker = ground.start_worker,
               .executor = io.get_executor(),
               .how = how,
               .on_second = [&](const std::string& probe, auto number, const load::Tally& second) {
                 if (histograms != nullptr) {
                   histograms->add(probe, number, second);
                 }
                 if (live) {
                   say(stderr, "{:5} s  {:<16} {:>7} requests  {:>6} bad  p50 {:>8}  p99 {:>8}\n",
                       number + 1, probe, second.requests(), second.bad,
                       brief(second.percentile_ms(50)), brief(second.percentile_ms(99)));
                 }
               }});
  boost::asio::signal_set signals(io, SIGINT, SIGTERM);
  int ended_by = 0;
  signals.async_wait([&](boost::system::error_code error, int signal) {
    if (!error) {
      ended_by = signal;
      run.stop("stopped by a signal before its time");
    }
  });
  bool over = false;
  run.start([&] { over = true; });
  if (histograms != nullptr) {
    histograms->begin(run.started());
  }
  io.restart();
  while (!over) {
    io.run_one();
  }
  return {run.record(), ended_by};
}

/// Options that would be without effect, or have another than was meant.
Result<> check_options(const LoadOptions& options) {
  if (options.environment.empty() && !options.profile.empty()) {
    return Error{ErrorKind::usage, "--profile is of an environment, which --env names"};
  }
  if (options.histograms == "-") {
    return Error{ErrorKind::usage, "--histograms: expected a file, found -"};
  }
  for (const auto& allowed : options.allow) {
    boost::system::error_code wrong;
    boost::asio::ip::make_address(allowed, wrong);
    if (wrong) {
      return Error{
          ErrorKind::usage,
          fmt::format("--allow: expected an IP address such as 10.0.0.9, because names are "
                      "not looked up, found '{}'",
                      allowed)};
    }
  }
  return {};
}

/// Where its probes run.
Result<> check_hosts(const script::Load& plan, const engine::Environment* environment,
                     const std::string& profile) {
  std::vector<std::string> hosts{engine::Probe{}.from};
  if (environment != nullptr) {
    const auto kind = target_kind(*environment);
    if (!kind) {
      return kind.error();
    }
    hosts = (*kind)->blueprint(profile).hosts;
  }
  for (const auto& [name, probe] : plan.probes) {
    if (std::ranges::find(hosts, probe.from) == hosts.end()) {
      return Error{
          ErrorKind::usage,
          fmt::format("{}: probe '{}' runs on unknown host '{}'{}", plan.file, name, probe.from,
                      environment == nullptr ? "; --env names the environment that has it"
                                             : suggestion(probe.from, hosts))};
    }
  }
  return {};
}

int load(const Context& context, const LoadOptions& options) {
  if (const auto fine = check_options(options); !fine) {
    return report(fine.error());
  }
  engine::Environment environment;
  if (!options.environment.empty()) {
    auto loaded = script::load_environment(options.environment, {});
    if (!loaded) {
      return report(loaded.error());
    }
    environment = std::move(*loaded);
  }
  const auto plan = script::load_load(options.file, environment, {});
  if (!plan) {
    return report(plan.error());
  }
  const bool here = options.environment.empty();
  if (const auto fine = check_hosts(*plan, here ? nullptr : &environment, options.profile); !fine) {
    return report(fine.error());
  }
  const auto how = sending_of(options);
  if (const auto fine = check_load(*plan, how, here); !fine) {
    return report(fine.error());
  }
  if (const auto fine = check_outputs(options.outputs); !fine) {
    return report(fine.error());
  }
  std::optional<HistogramFile> histograms;
  if (!options.histograms.empty() && !histograms.emplace(options.histograms).good()) {
    return report({ErrorKind::usage, "--histograms: cannot write " + options.histograms});
  }
  clear_outputs(options.outputs);
  boost::asio::io_context io;
  const auto ground = open_ground(context, io, options, environment);
  if (!ground) {
    return report(ground.error());
  }
  const auto [record, signal] =
      measure(*plan, options, how, io, *ground, histograms ? &*histograms : nullptr);
  const bool logged = !histograms || histograms->end();
  if (const auto written = write_outputs(options.outputs, {record}); !written) {
    return report(written.error());
  }
  say(stderr, "{}", table_of(record));
  if (!logged) {
    return report({ErrorKind::io, "--histograms: cannot write all of " + options.histograms});
  }
  if (record["verdict"] == "measured") {
    return 0;
  }
  say(stderr, "inconclusive: {}\n", record["reason"].get<std::string>());
  return signal == 0 ? 3 : signalled + signal;
}

}  // namespace

void add_load(CLI::App& app, Context& context) {
  auto o = std::make_shared<LoadOptions>();
  auto* command =
      app.add_subcommand("load", "the load alone: what a service answers, and how fast");
  command->add_option("FILE", o->file, "a Lua file that returns load { ... }")->required();
  command->add_option("--env", o->environment,
                      "send inside an environment: lab, or a Lua file; default: from this machine, "
                      "to loopback only");
  command->add_option("--profile", o->profile, "of the environment: naive or hardened");
  command->add_option("--allow", o->allow, "an address besides loopback that load may go to");
  command->add_option("--seed", o->seed, "of all that is random");
  command->add_option("--json", o->outputs.json, "the record; - is standard output");
  command->add_option("--histograms", o->histograms,
                      "every second's latencies as a standard HdrHistogram log; bad requests count "
                      "as one hour");
  command
      ->add_option("--wake-every", o->wake_every,
                   "look up only so often (1ms), to see what looking at once costs")
      ->check([](const std::string& text) {
        const auto parsed = parse_duration(text);
        return parsed ? std::string() : parsed.error().message;
      });
  command->add_flag("--quiet", o->quiet, "no line for each second");
  command->callback(
      [o, &context] { context.action = [o, &context] { return load(context, *o); }; });
}

}  // namespace faultline::cli
