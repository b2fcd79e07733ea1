#include "orchestrator/script/loader.hpp"

#include <cstdlib>
#include <fstream>
#include <unistd.h>

/// The loaders of environments and experiments, and the dry pass over what they gave: whatever the
/// text is, it is a value or an error that says something.
namespace faultline::script {
namespace {

/// Small, so that a loop for ever ends in milliseconds.
const Limits limits{
    .memory_bytes = 4u << 20, .instructions = 100'000, .processor = std::chrono::seconds(2)};

targets::World small_world() {
  targets::World world;
  world.name = "lab";
  world.profile = "hardened";
  world.zones = {"a", "b", "c"};
  world.homes = {{"sessions", "a-redis"}};
  for (const auto& zone : world.zones) {
    targets::Component redis;
    redis.name = redis.host = zone + "-redis";
    redis.kind = "redis";
    redis.zone = zone;
    redis.labels = {{"cache", "sessions"}, {"role", zone == "a" ? "primary" : "replica"}};
    world.components.push_back(redis);
  }
  return world;
}

void require_words(const Error& error) {
  if (error.message.empty()) {
    std::abort();
  }
}

void load(const std::string& file) {
  if (const auto environment = load_environment(file, limits); !environment) {
    require_words(environment.error());
  }
  static const auto lab = load_environment("lab", Limits()).value();
  const auto experiment = load_experiment(file, lab, {.vars = {}, .variant = {}, .limits = limits});
  if (!experiment) {
    return require_words(experiment.error());
  }
  static const auto world = small_world();
  static const std::set<std::string> capabilities{"process.kill", "process.stop", "network.cut"};
  const auto dry = dry_run(*experiment, lab, {.world = world, .capabilities = capabilities});
  if (!dry) {
    require_words(dry.error());
  }
}

}  // namespace
}  // namespace faultline::script

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto file = "/tmp/faultline-fuzz-" + std::to_string(::getpid()) + ".lua";
  std::ofstream(file, std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  faultline::script::load(file);
  ::unlink(file.c_str());
  return 0;
}
