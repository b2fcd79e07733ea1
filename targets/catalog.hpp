#pragma once

#include "targets/target.hpp"

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <span>

namespace faultline::targets {

struct OpenOptions {
  std::filesystem::path home;   ///< $FAULTLINE_HOME
  std::filesystem::path cache;  ///< $XDG_CACHE_HOME/faultline
  std::string profile;          ///< empty: the one that is up, else hardened
  bool stage = true;  ///< start a private one when the home has none; else error `not_found`
  std::function<void(std::string)> progress;  ///< what staging does now, for people
};

/// A kind of environment: one line in `catalog.cpp`.
struct TargetKind {
  std::string name;
  std::string summary;
  std::vector<std::string> profiles;
  std::set<std::string> capabilities;
  /// The world as it will be when healthy, for plans and dry passes without an environment.
  World (*blueprint)(const std::string& profile);
  /// Blocks until it is ready to be acquired. Errors say what the machine lacks and the remedy.
  Result<std::unique_ptr<Target>> (*open)(boost::asio::io_context& io, const OpenOptions& options);
  /// The environment that a journal names, for whoever puts it back. Error `not_found`: it is gone,
  /// and everything in it; any other: what was done to it may still be in force.
  Result<std::unique_ptr<Target>> (*reach)(const boost::asio::any_io_executor& executor,
                                           const Json& identity);
};

std::span<const TargetKind> catalog();
/// nullptr when there is no such kind.
const TargetKind* find(std::string_view name);

}  // namespace faultline::targets
