#include "orchestrator/cli/commands.hpp"
#include "orchestrator/report/html.hpp"
#include "orchestrator/report/summary.hpp"
#include "orchestrator/store/history.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <unistd.h>

namespace faultline::cli {
namespace {

struct Options {
  std::string run;
  bool json = false;
  std::string html;
};

Result<nlohmann::json> find(const Context& context, const std::string& run) {
  const auto file = context.home / "history.db";
  if (!std::filesystem::exists(file)) {  // looking must not create it
    return Error{ErrorKind::usage,
                 fmt::format("no run '{}': there are no runs yet in {}", run, file.string())};
  }
  const auto history = store::History::open(file);
  return history ? (*history)->get(run) : history.error();
}

int write_page(const nlohmann::json& record, const std::string& file) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << report::html_page({record});
  out.close();
  if (!out) {
    return report(Error{ErrorKind::io, fmt::format("cannot write {}: check that its folder exists, "
                                                   "is writable and has space",
                                                   file)});
  }
  return 0;
}

int show(const Context& context, const Options& options) {
  const auto record = find(context, options.run);
  if (!record) {
    return report(record.error());
  }
  if (!options.html.empty()) {
    return write_page(*record, options.html);
  }
  if (options.json) {
    std::cout << record->dump() << '\n';
    return 0;
  }
  const bool colour = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  std::cout << report::summary_text(*record, colour);
  return 0;
}

}  // namespace

void add_show(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("show", "one run: what was promised, done and measured");
  command->add_option("RUN", options->run, "an id, the beginning of one, or last")->required();
  auto* json = command->add_flag("--json", options->json, "the whole record");
  command->add_option("--html", options->html, "writes a self-contained page to FILE")
      ->type_name("FILE")
      ->excludes(json);
  command->callback([options, &context] {
    context.action = [options, &context] { return show(context, *options); };
  });
}

}  // namespace faultline::cli
