#include "orchestrator/cli/command.hpp"
#include "targets/say.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <optional>

namespace {

using faultline::cli::Context;
namespace fs = std::filesystem;

fs::path from_environment(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? fs::path() : fs::path(value);
}

fs::path folder(const char* own, const char* xdg, const char* below_home) {
  if (own != nullptr && !from_environment(own).empty()) {
    return fs::absolute(from_environment(own));
  }
  if (!from_environment(xdg).empty()) {
    return from_environment(xdg) / "faultline";
  }
  return from_environment("HOME") / below_home / "faultline";
}

std::optional<faultline::Error> unknown_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') {
    return std::nullopt;
  }
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == argv[1]) {
      return std::nullopt;
    }
    if (!command->get_group().empty()) {
      names.push_back(command->get_name());
    }
  }
  return faultline::Error{
      faultline::ErrorKind::usage,
      fmt::format("unknown command '{}'{}", argv[1], faultline::suggestion(argv[1], names))};
}

}  // namespace

/// Where everything is put together: the context, then each command of the catalogue adds itself;
/// the chosen one builds what it needs and returns the exit code.
int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is an error of that write, not an end
  std::signal(SIGXFSZ, SIG_IGN);  // and so is a file that may not grow
  try {
    Context context;
    context.home = folder("FAULTLINE_HOME", "XDG_STATE_HOME", ".local/state");
    context.cache = folder(nullptr, "XDG_CACHE_HOME", ".cache");
    CLI::App app{
        "Breaks a staging environment on purpose, measures what users would have felt,\n"
        "puts everything back, and says with evidence whether the service kept its promises.",
        "faultline"};
    app.set_version_flag("--version", "faultline " FAULTLINE_VERSION);
    app.require_subcommand(1);
    for (const auto add : faultline::cli::catalog()) {
      add(app, context);
    }
    if (const auto unknown = unknown_command(app, argc, argv)) {
      return faultline::cli::report(*unknown);
    }
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app.exit(error) == 0 ? 0 : 2;
    }
    return context.action();
  } catch (const faultline::Failure& failure) {
    return faultline::cli::report(failure.error());
  } catch (const std::exception& error) {
    faultline::say(stderr, "faultline: {}\n", error.what());
    return 3;
  }
}
