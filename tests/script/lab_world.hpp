#pragma once

#include "orchestrator/script/loader.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

/// What script tests share: a world like the lab's, its environment, and scripts in files.
namespace faultline::script {

inline targets::Component node(std::string name, std::string kind, std::string zone,
                               std::map<std::string, std::string> labels) {
  targets::Component component;
  component.host = name;
  component.name = std::move(name);
  component.kind = std::move(kind);
  component.zone = std::move(zone);
  component.labels = std::move(labels);
  return component;
}

/// Three zones with Redis and a database (both at home in a) and a reserved and a spot node each; a
/// third party behind a NAT gateway.
inline targets::World lab_world() {
  targets::World world;
  world.name = "lab";
  world.profile = "hardened";
  world.zones = {"a", "b", "c"};
  world.hosts = {"client", "neighbour", "nat", "pay", "a-reserved"};
  world.homes = {{"sessions", "a-redis"}, {"orders", "a-db"}};
  world.nat = {.host = "nat", .eips = 2, .ports_per_eip = 2048};
  world.components.push_back(node("pay", "dependency", "", {{"dependency", "pay"}}));
  for (const auto& zone : world.zones) {
    const std::string role = zone == "a" ? "primary" : "replica";
    world.components.push_back(
        node(zone + "-redis", "redis", zone, {{"cache", "sessions"}, {"role", role}}));
    world.components.push_back(node(zone + "-db", "database", zone,
                                    {{"database", "orders"}, {"role", zone == "a" ? "rw" : "ro"}}));
    world.components.push_back(node(zone + "-reserved", "app", zone, {{"service", "app"}}));
    world.components.push_back(
        node(zone + "-spot", "app", zone, {{"service", "app"}, {"spot", "true"}}));
  }
  return world;
}

inline std::set<std::string> lab_capabilities() {
  return {"network.cut",  "network.loss", "network.isolate",  "wire.shape",
          "process.kill", "process.stop", "cache.switchover", "database.switchover",
          "spot.reclaim", "nat.shrink",   "flows.hold",       "dependency.degrade"};
}

inline engine::Environment lab_environment() {
  return load_environment("lab", {}).value();
}

/// A folder that ends with the test.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "script-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      throw std::runtime_error("no temporary folder");
    }
    path_ = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    const auto file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }

 private:
  std::filesystem::path path_;
};

/// An experiment whose method has this body.
inline std::string with_method(const std::string& body) {
  return "return experiment { name = 'x', hypothesis = 'h', method = function(run, p) " + body +
         " end }";
}

inline Result<engine::Experiment> load(const Folder& folder, const std::string& text,
                                       const LoadOptions& options = {}) {
  return load_experiment(folder.write("x.lua", text), lab_environment(), options);
}

/// What is wrong with a script, found at load or in the dry pass; empty when nothing is.
inline Error wrong_with(const std::string& text, const LoadOptions& options = {}) {
  const Folder folder;
  const auto experiment = load(folder, text, options);
  if (!experiment) {
    return experiment.error();
  }
  const auto dry = dry_run(*experiment, lab_environment(), {lab_world(), lab_capabilities()});
  return dry ? dry->refused.value_or(Error{}) : dry.error();
}

}  // namespace faultline::script
