#pragma once

#include "orchestrator/engine/environment.hpp"
#include "orchestrator/engine/experiment.hpp"
#include "orchestrator/script/sandbox.hpp"
#include "orchestrator/script/sources.hpp"

#include <optional>
#include <string>
#include <utility>

namespace faultline::script {

/// A script with its state: what the bindings know besides their arguments.
class Script {
 public:
  /// `environment`: what an experiment may name; none while an environment file is read.
  Script(std::optional<engine::Environment> environment, const Limits& limits);

  /// Runs a file and gives its value, at index -1, to `take`. Throws Failure.
  void run(const Sources::File& file, const std::function<void(lua_State*)>& take);
  /// `use`: the value of a file of the tree, run once however often it is used. Pushes it.
  void use(const std::string& name);
  /// Calls the method at `reference` with `stage` and `params`. Throws Failure.
  void run_method(int reference, const engine::Json& params, engine::Stage& stage);

  /// Asks the stage; the fiber may be suspended meanwhile. `refuse`s outside of a method.
  template <class Ask>
  auto ask(std::string_view what, Ask question) {
    engine::Stage& asked = stage(what);
    const Sandbox::Suspension suspension(sandbox_);
    return question(asked);
  }
  [[nodiscard]] bool running() const { return stage_ != nullptr; }
  /// Counts the calls of the method: a value kept from an earlier one is recognized.
  [[nodiscard]] int calls() const { return calls_; }

  [[nodiscard]] const engine::Environment* environment() const {
    return environment_ ? &*environment_ : nullptr;
  }
  /// What an experiment brings along may be named by its promises.
  void add_probes(const std::map<std::string, engine::Probe>& probes) {
    environment_->probes.insert(probes.begin(), probes.end());
  }
  [[nodiscard]] Sources& sources() { return sources_; }
  [[nodiscard]] Sandbox& sandbox() { return sandbox_; }
  [[nodiscard]] int line_of_field(const engine::Place& place, std::string_view field) const {
    return sources_.line_of_field(place, field);
  }

 private:
  engine::Stage& stage(std::string_view what);

  std::optional<engine::Environment> environment_;
  Sources sources_;
  engine::Stage* stage_ = nullptr;  ///< while a method runs
  int calls_ = 0;
  Sandbox sandbox_;  ///< last: its values go before what they refer to
};

inline Script& script_of(lua_State* lua) {
  return *Sandbox::of(lua).script;
}

}  // namespace faultline::script
