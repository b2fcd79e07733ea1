#pragma once

#include "orchestrator/engine/experiment.hpp"
#include "orchestrator/script/loader.hpp"

#include <lua.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::script {

class Script;

/// A Lua state that cannot touch the machine and cannot outlive its limits.
///
/// A *stop* (a spent limit, a cancelled run, a wrong call in a method) is sticky: the count hook,
/// every binding and `pcall` raise it again at once, so that a script cannot go on by catching it.
/// Used on one thread or strand only; a binding may suspend its fiber, because nothing here holds a
/// lock or a handler.
class Sandbox {
 public:
  explicit Sandbox(const Limits& limits);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  [[nodiscard]] lua_State* lua() const { return lua_; }
  [[nodiscard]] const Limits& limits() const { return limits_; }
  static Sandbox& of(lua_State* lua) { return **static_cast<Sandbox**>(lua_getextraspace(lua)); }

  /// Runs `body` in a protected call with an empty stack. What ends it, a Lua error or a C++ one,
  /// is thrown as Failure. Everything that may raise in Lua runs inside of one.
  void protect(const std::function<void(lua_State*)>& body);
  /// Compiles text (never bytecode) and pushes the function. Throws Failure.
  void compile(std::string_view text, const std::string& name);
  /// A fresh instruction and processor budget: one for loading, one for each run of a method.
  void refill();

  void stop(Error reason);
  [[nodiscard]] const std::optional<Error>& stopped() const { return stop_; }
  /// Raises the stop in Lua when there is one; stops when the processor time is spent.
  void check(lua_State* lua);
  /// Raises `error` in Lua, with the script's place in front. Its kind is kept for `protect`.
  [[noreturn]] void raise(lua_State* lua, Error error);
  /// Called by `pcall` after a protected call: a spent memory limit becomes a stop.
  void after_protected(lua_State* lua, int status);

  /// While a fiber is suspended others use the processor: that time is not the script's.
  class Suspension {
   public:
    explicit Suspension(Sandbox& sandbox) : sandbox_(sandbox) { sandbox_.charge_processor(); }
    ~Suspension();
    Suspension(const Suspension&) = delete;
    Suspension& operator=(const Suspension&) = delete;

   private:
    Sandbox& sandbox_;
  };

  Script* script = nullptr;  ///< whose state it is; set by Script

 private:
  static void* allocate(void* sandbox, void* block, std::size_t old_size, std::size_t new_size);
  static void on_count(lua_State* lua, lua_Debug* event);
  [[nodiscard]] bool within_memory(std::size_t old_size, std::size_t new_size);
  void charge_processor();
  void spend(lua_State* lua, std::uint64_t instructions);
  [[nodiscard]] Error memory_error() const;
  [[nodiscard]] Error take_error(int status);

  Limits limits_;
  lua_State* lua_ = nullptr;
  std::size_t memory_used_ = 0;
  std::uint64_t instructions_spent_ = 0;
  std::chrono::nanoseconds processor_spent_{};
  std::chrono::nanoseconds processor_mark_{};
  int hook_count_ = 0;
  std::optional<Error> stop_;
  Error last_raised_;  ///< gives the Lua error, which is only text, its kind back
  bool single_too_large_ = false;
  engine::Place denied_at_;  ///< where an allocation was last denied
};

/// The line of the script that is running now, past C functions and the prelude.
engine::Place place_of(lua_State* lua);
/// "drill.lua:12"
std::string in_words(const engine::Place& place);
/// Text for records and terminals: valid UTF-8, no control characters, of bounded length.
std::string printable(std::string_view text);

/// Wraps a binding: a std::exception becomes a Lua error with the script's place. The only place
/// where C++ exceptions and Lua errors meet. Lua's own (not a std::exception) passes through.
template <int (*function)(lua_State*)>
int guarded(lua_State* lua) {
  auto& sandbox = Sandbox::of(lua);
  sandbox.check(lua);
  std::optional<Error> error;
  try {
    return function(lua);
  } catch (const Failure& failure) {
    error = failure.error();
  } catch (const std::exception& exception) {
    error = Error{ErrorKind::io, exception.what()};
  }
  sandbox.raise(lua, std::move(*error));  // outside the handler: raising unwinds other frames
}

/// Opens the safe part of the standard library, with bounds where its C code could burn time or
/// memory without an instruction being counted.
void open_library(lua_State* lua);
/// Lua's own load(text [, _, _, environment]), of text only.
int load_text(lua_State* lua);
/// The names that `open_library` leaves to scripts: "pcall", "string.rep".
std::vector<std::string> library_names();

constexpr std::string_view prelude_name = "=prelude";

}  // namespace faultline::script
