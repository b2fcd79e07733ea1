#include "orchestrator/script/bindings.hpp"
#include "orchestrator/script/plausible.hpp"
#include "orchestrator/script/prometheus.hpp"
#include "orchestrator/script/script.hpp"
#include "orchestrator/script/shapes.hpp"
#include "orchestrator/script/value.hpp"
#include "targets/say.hpp"

#include <fmt/format.h>

#include <cstdio>

/// The methods of `run` and of a fault in force: each asks the stage, which may suspend the fiber.
namespace faultline::script {
namespace {

using engine::Expectation;
using engine::Sli;
using engine::Stage;

Script& script_of_run(lua_State* lua, std::string_view method) {
  if (test<RunHandle>(lua, 1) == nullptr) {
    refuse(fmt::format("write run:{} with a colon, not run.{}", method, method));
  }
  return script_of(lua);
}

Duration positive(lua_State* lua, int index, std::string_view what) {
  const auto duration = to_duration(lua, index, what);
  if (duration <= Duration::zero()) {
    refuse(fmt::format("{}: expected a duration above 0, found {}", what,
                       faultline::in_words(duration)));
  }
  return duration;
}

engine::FaultId injected(lua_State* lua, int index, std::string_view what) {
  const auto& handle = to<FaultHandle>(lua, index, what, "what run:inject returned");
  if (handle.call != script_of(lua).calls()) {
    refuse(fmt::format("{} is a fault of an earlier run", what));
  }
  return handle.id;
}

/// What becomes true within a time; everything else holds over a window.
bool has_a_time(Sli sli) {
  return sli == Sli::recovery || sli == Sli::alert;
}

void read_window(lua_State* lua, int index, Expectation& expectation) {
  const Fields fields(lua, index, window_shape());
  fields.with("from",
              [&](int at, const std::string& what) { expectation.from = injected(lua, at, what); });
  const bool timed = has_a_time(expectation.sli);
  const char* wrong = timed ? "over" : "within";
  fields.with(wrong, [&](int /*at*/, const std::string& what) {
    refuse(fmt::format("{} does not fit here, write {}", what,
                       timed ? "within = a duration: so soon it must be so"
                             : "over = a duration: the window that is judged"));
  });
  fields.with(timed ? "within" : "over",
              [&](int at, const std::string& what) { expectation.over = positive(lua, at, what); });
}

void complete(Expectation& expectation, const engine::Environment& environment) {
  if (expectation.sli == Sli::recovery) {
    if (!expectation.from) {
      refuse(
          "run:expect: a recovery is counted from a fault, write from = what run:inject returned");
    }
    const auto probe = environment.probes.find(expectation.subject);
    const bool is_store = environment.stores.contains(expectation.subject);
    const auto rto = environment.rto.find(
        is_store || probe == environment.probes.end() ? expectation.subject : probe->second.store);
    if (expectation.over == Duration::zero() && rto != environment.rto.end()) {
      expectation.over = rto->second;
    }
    if (expectation.over == Duration::zero()) {
      refuse("run:expect: 'within' is missing, write within = 5*s");
    }
  } else if (expectation.sli != Sli::lost && expectation.over == Duration::zero()) {
    expectation.over = sized_window(expectation, environment).value_or(Duration::zero());
    if (expectation.over == Duration::zero()) {
      refuse(has_a_time(expectation.sli)
                 ? "run:expect: 'within' is missing, write within = 60*s"
                 : "run:expect: 'over' is missing, write over = 20*s: the window that is judged");
    }
  }
}

std::string words_of_arguments(lua_State* lua) {
  std::string text;
  for (int i = 1; i <= lua_gettop(lua); ++i) {
    std::size_t size = 0;
    const char* word = luaL_tolstring(lua, i, &size);
    text += (i > 1 ? "\t" : "") + std::string(word, size);
    lua_pop(lua, 1);
  }
  return text;
}

}  // namespace

int run_baseline(lua_State* lua) {
  auto& script = script_of_run(lua, "baseline");
  std::optional<Duration> length;
  if (!lua_isnoneornil(lua, 2)) {
    length = positive(lua, 2, "run:baseline");
  }
  const auto place = place_of(lua);
  script.ask("run:baseline", [&](Stage& stage) { stage.baseline(length, place); });
  return 0;
}

int run_inject(lua_State* lua) {
  auto& script = script_of_run(lua, "inject");
  std::vector<engine::FaultRequest> requests;
  for (int i = 2; i <= lua_gettop(lua); ++i) {
    requests.push_back(to<engine::FaultRequest>(lua, i, "run:inject: each argument",
                                                "a fault such as fault.redis_failover { ... }"));
  }
  if (requests.empty()) {
    refuse("run:inject takes a fault such as fault.redis_failover { ... }, found nothing");
  }
  const auto ids = script.ask("run:inject", [&](Stage& stage) { return stage.inject(requests); });
  luaL_checkstack(lua, static_cast<int>(ids.size()), "injected faults");
  for (const auto id : ids) {
    push(lua, FaultHandle{id, script.calls()});
  }
  return static_cast<int>(ids.size());
}

int run_wait(lua_State* lua) {
  auto& script = script_of_run(lua, "wait");
  const auto length = positive(lua, 2, "run:wait");
  script.ask("run:wait", [&](Stage& stage) { stage.wait(length); });
  return 0;
}

int run_expect(lua_State* lua) {
  auto& script = script_of_run(lua, "expect");
  auto expectation = to<Expectation>(lua, 2, "run:expect: the first argument",
                                     "an expectation such as good(\"login\", 97)");
  expectation.place = place_of(lua);
  if (!lua_isnoneornil(lua, 3)) {
    read_window(lua, 3, expectation);
  }
  complete(expectation, *script.environment());
  check_watched(expectation, *script.environment(), "run:expect");
  check_expressible(expectation, *script.environment());
  const bool holds =
      script.ask("run:expect", [&](Stage& stage) { return stage.expect(expectation); });
  lua_pushboolean(lua, holds ? 1 : 0);
  return 1;
}

int run_stop_when(lua_State* lua) {
  auto& script = script_of_run(lua, "stop_when");
  if (lua_gettop(lua) < 2) {
    refuse(
        "run:stop_when takes a condition such as good(\"login\", { below = 50 }), found nothing");
  }
  for (int i = 2; i <= lua_gettop(lua); ++i) {
    auto condition =
        to<engine::StopCondition>(lua, i, "run:stop_when: each argument",
                                  "a condition such as good(\"login\", { below = 50 })");
    condition.place = place_of(lua);
    script.ask("run:stop_when", [&](Stage& stage) { stage.stop_when(condition); });
  }
  return 0;
}

int run_declare(lua_State* lua) {
  auto& script = script_of_run(lua, "declare");
  const auto place = place_of(lua);
  lua_remove(lua, 1);
  const auto reason = printable(words_of_arguments(lua));
  script.ask("run:declare", [&](Stage& stage) { stage.declare(reason, place); });
  return 0;
}

int run_log(lua_State* lua) {
  auto& script = script_of_run(lua, "log");
  lua_remove(lua, 1);
  const auto text = printable(words_of_arguments(lua));
  script.ask("run:log", [&](Stage& stage) { stage.note(text); });
  return 0;
}

int fault_revert(lua_State* lua) {
  const auto id = injected(lua, 1, "revert");
  script_of(lua).ask("revert", [&](Stage& stage) { stage.revert(id); });
  return 0;
}

int print(lua_State* lua) {
  const auto text = printable(words_of_arguments(lua));
  auto& script = script_of(lua);
  if (script.running()) {
    script.ask("print", [&](Stage& stage) { stage.note(text); });
  } else {
    say(stderr, "{}\n", text);
  }
  return 0;
}

}  // namespace faultline::script
