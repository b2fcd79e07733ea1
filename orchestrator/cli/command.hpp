#pragma once

#include "targets/error.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <functional>
#include <span>
#include <string>

/// The command line: one file a command and one line in `catalog.cpp`.
namespace faultline::cli {

/// What every command may use.
struct Context {
  std::filesystem::path
      home;  ///< $FAULTLINE_HOME, else $XDG_STATE_HOME/faultline, else ~/.local/state/faultline
  std::filesystem::path cache;  ///< $XDG_CACHE_HOME/faultline, else ~/.cache/faultline
  std::function<int()> action;  ///< what the chosen command does; returns the exit code
};

/// Adds its subcommand to `app`; the subcommand's callback sets `context.action`.
using Command = void (*)(CLI::App& app, Context& context);

std::span<const Command> catalog();

/// Prints "faultline: <message>" to standard error and returns the exit code for the error's kind.
int report(const Error& error);

}  // namespace faultline::cli
