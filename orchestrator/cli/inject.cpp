#include "faults/catalog.hpp"
#include "orchestrator/cli/commands.hpp"
#include "orchestrator/cli/look.hpp"
#include "orchestrator/cli/outcome.hpp"
#include "orchestrator/cli/session.hpp"
#include "orchestrator/report/console.hpp"
#include "orchestrator/report/verdict.hpp"
#include "orchestrator/script/loader.hpp"
#include "targets/say.hpp"

#include <fmt/format.h>

#include <charconv>
#include <unistd.h>

namespace faultline::cli {
namespace {

struct InjectOptions {
  std::string fault;
  std::vector<std::string> params, approvals;
  std::string hold = "30s";
  std::string environment = "lab";
  std::string profile;
};

/// A value as the fault wants it: the parameter's type decides how the text is read.
Result<nlohmann::json> value_of(const faults::Param& param, const std::string& text) {
  using faults::ParamType;
  if (param.type == ParamType::duration) {
    const auto duration = parse_duration(text);
    return duration ? ok(nlohmann::json{{"ms", to_ms(*duration)}})
                    : Result<nlohmann::json>(duration.error());
  }
  if (param.type == ParamType::percent || param.type == ParamType::count) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
      return Error{ErrorKind::usage,
                   fmt::format("'{}' must be a number, found '{}'", param.name, text)};
    }
    return ok(nlohmann::json(number));
  }
  if (param.type == ParamType::instances) {
    auto names = nlohmann::json::array();
    for (std::size_t at = 0; at <= text.size();) {
      const auto comma = std::min(text.find(',', at), text.size());
      names.push_back(text.substr(at, comma - at));
      at = comma + 1;
    }
    return ok(std::move(names));
  }
  return ok(nlohmann::json(text));
}

Result<nlohmann::json> params_of(const faults::Kind& kind, const std::vector<std::string>& given) {
  nlohmann::json params = nlohmann::json::object();
  for (const auto& pair : given) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos) {
      return Error{ErrorKind::usage,
                   fmt::format("{}: expected parameter=value, found '{}'", kind.name, pair)};
    }
    const auto name = pair.substr(0, equals), text = pair.substr(equals + 1);
    const auto param = std::ranges::find(kind.params, name, &faults::Param::name);
    if (params.contains(name)) {
      return Error{ErrorKind::usage, fmt::format("{}: '{}' is given twice", kind.name, name)};
    }
    if (param == kind.params.end()) {
      params[name] = text;  // `validate` names it and the nearest one
      continue;
    }
    auto value = value_of(*param, text);
    if (!value) {
      return value.error();
    }
    params[name] = *value;
  }
  return ok(std::move(params));
}

engine::Experiment experiment_of(const InjectOptions& o, const nlohmann::json& params,
                                 Duration hold) {
  engine::Experiment experiment;
  experiment.name = "inject_" + o.fault;
  experiment.title = "inject " + o.fault;
  experiment.hypothesis = "none: one fault by hand, no load and no steady state";
  experiment.params = params;
  experiment.method = [fault = o.fault, params, hold](engine::Stage& stage) {
    const auto ids = stage.inject({{fault, params, {"command line", 1}}});
    stage.wait(hold);
    stage.revert(ids.front());
  };
  return experiment;
}

int inject(const Context& context, const InjectOptions& o) {
  const auto kind = faults::find(o.fault);
  if (!kind) {
    return report(kind.error());
  }
  const auto environment = script::load_environment(o.environment, {});
  if (!environment) {
    return report(environment.error());
  }
  const auto params = params_of(**kind, o.params);
  const auto hold = parse_duration(o.hold);
  const auto approvals = parse_approvals(o.approvals);
  if (!params || !hold || !approvals) {
    return report(!params ? params.error() : !hold ? hold.error() : approvals.error());
  }
  if (*hold <= Duration::zero()) {
    return report({ErrorKind::usage, fmt::format("--for must be more than 0, found {}", o.hold)});
  }
  const auto target = target_kind(*environment);
  if (!target) {
    return report(target.error());
  }
  const auto experiment = experiment_of(o, *params, *hold);
  const auto world = (*target)->blueprint(o.profile.empty() ? "hardened" : o.profile);
  const auto dry = look_over(experiment, *environment, world, !approvals->empty());
  if (!dry || dry->refused) {
    return report(dry ? *dry->refused : dry.error());
  }
  faultline::report::Console console(stderr, false, false, false);
  const auto session = Session::open(
      context, {.environment = *environment,
                .profile = o.profile,
                .approvals = *approvals,
                .measure = false,
                .on_event = [&](const nlohmann::json& event) { console.on(event); },
                .progress = [](const std::string& text) { say(stderr, "{}\n", text); }});
  if (!session) {
    return report(session.error());
  }
  auto result = (*session)->run(experiment);
  const int code = keep(context, result, (*session)->target());
  say(stderr, "{}\n", faultline::report::last_line(result.record));
  return code;
}

}  // namespace

void add_inject(CLI::App& app, Context& context) {
  auto o = std::make_shared<InjectOptions>();
  auto* command = app.add_subcommand("inject", "one fault, with its effect, revert and residue");
  command->add_option("FAULT", o->fault, "see `faultline faults`")->required();
  command->add_option("PARAM=VALUE", o->params, "its parameters");
  command->add_option("--for", o->hold, "how long it is held (30s)");
  add_approve(*command, o->approvals);
  command->add_option("--env", o->environment, "environment: lab, or a Lua file");
  command->add_option("--profile", o->profile, "profile of the lab");
  command->callback(
      [o, &context] { context.action = [o, &context] { return inject(context, *o); }; });
}

}  // namespace faultline::cli
