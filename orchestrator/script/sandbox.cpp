#include "orchestrator/script/sandbox.hpp"

#include "orchestrator/script/script.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <ctime>
#include <new>

namespace faultline::script {
namespace {

constexpr int instructions_per_hook = 10'000;  // about 0.1 ms: the cost of the hook is lost in it
constexpr std::uint64_t instructions_per_error = 500;  // what throwing and catching one takes: 3 us
constexpr std::size_t header_bytes = 64;           // of a Lua string or block, above its content
constexpr std::size_t small_bytes = 4096;          // what raising an error may need after a stop
constexpr std::size_t max_message_bytes = 2000;    // an error message that people still read
constexpr std::size_t max_source_bytes = 1 << 20;  // a script is a page or two

std::chrono::nanoseconds thread_processor_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

int run_body(lua_State* lua) {
  const auto& body = *static_cast<std::function<void(lua_State*)>*>(lua_touserdata(lua, 1));
  lua_settop(lua, 0);
  body(lua);
  return 0;
}

}  // namespace

Sandbox::Sandbox(const Limits& limits) : limits_(limits), hook_count_(instructions_per_hook) {
  lua_ = lua_newstate(&Sandbox::allocate, this);
  if (lua_ == nullptr) {
    throw std::bad_alloc();
  }
  *static_cast<Sandbox**>(lua_getextraspace(lua_)) = this;
  refill();
}

Sandbox::~Sandbox() {
  lua_sethook(lua_, nullptr, 0, 0);
  lua_close(lua_);
}

void Sandbox::refill() {
  instructions_spent_ = 0;
  processor_spent_ = {};
  processor_mark_ = thread_processor_time();
  if (!stop_) {
    hook_count_ = instructions_per_hook;
    lua_sethook(lua_, &Sandbox::on_count, LUA_MASKCOUNT, hook_count_);
  }
}

bool Sandbox::within_memory(std::size_t old_size, std::size_t new_size) {
  if (new_size <= old_size) {
    return true;
  }
  if (stop_ && new_size > small_bytes) {
    return false;
  }
  const bool too_large = new_size > limits_.string_bytes + header_bytes;
  if (!too_large && memory_used_ - old_size + new_size <= limits_.memory_bytes) {
    return true;
  }
  single_too_large_ = too_large;
  if (lua_ != nullptr) {
    denied_at_ = place_of(lua_);
  }
  return false;
}

void* Sandbox::allocate(void* self, void* block, std::size_t old_size, std::size_t new_size) {
  auto& sandbox = *static_cast<Sandbox*>(self);
  if (block == nullptr) {
    old_size = 0;  // Lua passes the kind of object here
  }
  if (new_size == 0) {
    std::free(block);
    sandbox.memory_used_ -= old_size;
    return nullptr;
  }
  if (!sandbox.within_memory(old_size, new_size)) {
    return nullptr;  // Lua collects its garbage, asks once more, then raises
  }
  void* moved = std::realloc(block, new_size);
  if (moved != nullptr) {
    sandbox.memory_used_ += new_size - old_size;
  }
  return moved;
}

Error Sandbox::memory_error() const {
  const auto what =
      single_too_large_
          ? fmt::format(
                "the script wanted one string, table or call stack of more than {} KiB; "
                "build less at once, or recurse less deep",
                limits_.string_bytes / 1024)
          : fmt::format("the script used up its {} MiB of memory; keep less",
                        limits_.memory_bytes >> 20);
  return {ErrorKind::usage, fmt::format("{}: {}", in_words(denied_at_), what)};
}

void Sandbox::stop(Error reason) {
  if (stop_) {
    return;
  }
  stop_ = std::move(reason);
  hook_count_ = 1;
  lua_sethook(lua_, &Sandbox::on_count, LUA_MASKCOUNT, hook_count_);
}

void Sandbox::charge_processor() {
  const auto now = thread_processor_time();
  processor_spent_ += now - processor_mark_;
  processor_mark_ = now;
}

Sandbox::Suspension::~Suspension() {
  sandbox_.processor_mark_ = thread_processor_time();
}

void Sandbox::spend(lua_State* lua, std::uint64_t instructions) {
  instructions_spent_ += instructions;
  if (instructions_spent_ > limits_.instructions) {
    stop({ErrorKind::usage,
          fmt::format("{}: the script used up its budget of {} instructions; is there an endless "
                      "loop?",
                      in_words(place_of(lua)), limits_.instructions)});
  }
}

void Sandbox::check(lua_State* lua) {
  if (!stop_) {
    charge_processor();
    if (processor_spent_ > limits_.processor) {
      stop({ErrorKind::usage,
            fmt::format("{}: the script used more than {} s of processor time without waiting; "
                        "is there an endless loop?",
                        in_words(place_of(lua)), limits_.processor.count())});
    }
  }
  if (stop_) {
    lua_pushlstring(lua, stop_->message.data(), stop_->message.size());
    lua_error(lua);
  }
}

void Sandbox::on_count(lua_State* lua, lua_Debug* /*event*/) {
  auto& sandbox = of(lua);
  sandbox.spend(lua, static_cast<std::uint64_t>(sandbox.hook_count_));
  sandbox.check(lua);
}

void Sandbox::raise(lua_State* lua, Error error) {
  const auto place = place_of(lua);
  const bool placed = error.message.starts_with(place.file + ":");
  if (!place.file.empty() && !placed) {
    error.message = fmt::format("{}: {}", in_words(place), error.message);
  }
  // A method that catches a wrong call away would go on to prove something else.
  const bool in_method = script != nullptr && script->running();
  if (error.kind == ErrorKind::cancelled || (in_method && limits_.wrong_calls_stop)) {
    stop(error);
  }
  last_raised_ = std::move(error);
  lua_pushlstring(lua, last_raised_.message.data(), last_raised_.message.size());
  lua_error(lua);
  std::abort();  // lua_error does not return
}

void Sandbox::after_protected(lua_State* lua, int status) {
  if (status == LUA_ERRMEM) {
    stop(memory_error());
  }
  if (status != LUA_OK) {
    spend(lua, instructions_per_error);
  }
  check(lua);
}

Error Sandbox::take_error(int status) {
  if (status == LUA_ERRMEM) {
    stop(memory_error());
  }
  if (stop_) {
    return {stop_->kind, printable(stop_->message)};
  }
  if (lua_type(lua_, -1) != LUA_TSTRING) {
    return {ErrorKind::usage,
            fmt::format("the script raised a {} value; raise a text: error(\"what is wrong\")",
                        luaL_typename(lua_, -1))};
  }
  std::size_t size = 0;
  const char* text = lua_tolstring(lua_, -1, &size);
  const std::string_view message(text, size);
  const bool ours = message == last_raised_.message;
  return {ours ? last_raised_.kind : ErrorKind::usage, printable(message)};
}

void Sandbox::protect(const std::function<void(lua_State*)>& body) {
  const int base = lua_gettop(lua_);
  lua_pushcfunction(lua_, guarded<run_body>);
  lua_pushlightuserdata(lua_, const_cast<std::function<void(lua_State*)>*>(&body));
  const int status = lua_pcall(lua_, 1, 0, 0);
  if (status == LUA_OK && !stop_) {
    return;
  }
  Error error = take_error(status);
  lua_settop(lua_, base);
  throw Failure(std::move(error));
}

void Sandbox::compile(std::string_view text, const std::string& name) {
  if (text.size() > max_source_bytes) {
    throw Failure({ErrorKind::usage,
                   fmt::format("{}: a script may have at most {} KiB, this one "
                               "has {}",
                               name.substr(1), max_source_bytes / 1024, text.size() / 1024)});
  }
  if (text.starts_with(LUA_SIGNATURE[0])) {
    throw Failure({ErrorKind::usage, fmt::format("{}: expected a script as text, found compiled "
                                                 "Lua; give its source",
                                                 name.substr(1))});
  }
  const int status = luaL_loadbufferx(lua_, text.data(), text.size(), name.c_str(), "t");
  if (status == LUA_OK) {
    return;
  }
  Error error = take_error(status);
  if (!error.message.starts_with(name.substr(1))) {
    error.message = fmt::format("{}: {}", name.substr(1), error.message);
  }
  throw Failure(std::move(error));
}

engine::Place place_of(lua_State* lua) {
  lua_Debug frame;
  for (int level = 0; lua_getstack(lua, level, &frame) != 0; ++level) {
    lua_getinfo(lua, "Sl", &frame);
    if (frame.currentline > 0 && prelude_name != frame.source) {
      return {frame.short_src, frame.currentline};
    }
  }
  return {};
}

std::string in_words(const engine::Place& place) {
  return place.file.empty() ? "script" : fmt::format("{}:{}", place.file, place.line);
}

std::string printable(std::string_view text) {
  using Json = nlohmann::json;
  const std::string cut(text.substr(0, max_message_bytes));
  const auto quoted = Json(cut).dump(-1, ' ', false, Json::error_handler_t::replace);
  auto clean = Json::parse(quoted).get<std::string>();
  for (auto& c : clean) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n') || byte == 0x7F) {
      c = ' ';
    }
  }
  return clean;
}

}  // namespace faultline::script
