#include "orchestrator/script/loader.hpp"

#include "orchestrator/script/params.hpp"
#include "orchestrator/script/script.hpp"
#include "orchestrator/script/value.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

#include <array>

namespace faultline {
std::string_view embedded_script(std::string_view path);
}

namespace faultline::script {
namespace {

/// The value that a script returned, or what it should have returned.
template <class T>
T take(lua_State* lua, const std::string& file) {
  const auto* value = test<T>(lua, -1);
  if (value == nullptr) {
    const auto what = found(lua, -1);
    refuse(fmt::format("{}: expected the script to end with: return {} {{ ... }}, found {}{}", file,
                       TypeName<T>::value, what,
                       what == TypeName<Load>::value         ? ", which faultline load takes"
                       : what == TypeName<Definition>::value ? ", which faultline run takes"
                                                             : ""));
  }
  return *value;
}

std::string embedded_path(const std::string& name) {
  return "scripts/lua/environments/" + name + ".lua";
}

const Sources::File& open_environment(Sources& sources, const std::string& name_or_file) {
  const auto built_in = embedded_script(embedded_path(name_or_file));
  if (!built_in.empty()) {
    return sources.add(name_or_file + ".lua", std::string(built_in));
  }
  std::error_code error;
  if (!name_or_file.ends_with(".lua") && !std::filesystem::exists(name_or_file, error)) {
    const std::array<std::string, 1> known{"lab"};
    refuse(fmt::format("unknown environment '{}'{}; or give a file that ends with .lua",
                       name_or_file, suggestion(name_or_file, known)));
  }
  return sources.open(name_or_file);
}

engine::Experiment read_experiment(const std::filesystem::path& file,
                                   const engine::Environment& environment,
                                   const LoadOptions& options) {
  const auto script = std::make_shared<Script>(environment, options.limits);
  const auto& source = script->sources().open(file);
  Definition definition;
  script->run(source, [&](lua_State* lua) { definition = take<Definition>(lua, file.string()); });
  apply_options(definition, options);
  auto experiment = std::move(definition.experiment);
  experiment.file = file.string();
  experiment.sha256 = script->sources().sha256();
  experiment.method = [script, method = definition.method, params = experiment.params](
                          engine::Stage& stage) { script->run_method(method, params, stage); };
  experiment.cancel = [script](std::string reason) {
    script->sandbox().stop({ErrorKind::cancelled, std::move(reason)});
  };
  return experiment;
}

Load read_load(const std::filesystem::path& file, const engine::Environment& environment,
               const Limits& limits) {
  Script script(environment, limits);
  const auto& source = script.sources().open(file);
  Load plan;
  script.run(source, [&](lua_State* lua) { plan = take<Load>(lua, file.string()); });
  plan.name = file.stem().string();
  plan.file = file.string();
  plan.sha256 = script.sources().sha256();
  return plan;
}

engine::Environment read_environment(const std::string& name_or_file, const Limits& limits) {
  Script script(std::nullopt, limits);
  const auto& source = open_environment(script.sources(), name_or_file);
  engine::Environment environment;
  script.run(source,
             [&](lua_State* lua) { environment = take<engine::Environment>(lua, source.name); });
  environment.source = source.text;
  environment.guardrails.file = source.name;
  environment.sha256 = script.sources().sha256();
  return environment;
}

}  // namespace

Result<engine::Experiment> load_experiment(const std::filesystem::path& file,
                                           const engine::Environment& environment,
                                           const LoadOptions& options) {
  try {
    return read_experiment(file, environment, options);
  } catch (const Failure& failure) {
    return failure.error();
  }
}

Result<Load> load_load(const std::filesystem::path& file, const engine::Environment& environment,
                       const Limits& limits) {
  try {
    return read_load(file, environment, limits);
  } catch (const Failure& failure) {
    return failure.error();
  }
}

Result<engine::Environment> load_environment(const std::string& name_or_file,
                                             const Limits& limits) {
  try {
    return read_environment(name_or_file, limits);
  } catch (const Failure& failure) {
    return failure.error();
  }
}

}  // namespace faultline::script
