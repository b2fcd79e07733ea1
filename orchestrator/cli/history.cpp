#include "orchestrator/store/history.hpp"

#include "orchestrator/cli/commands.hpp"
#include "orchestrator/cli/table.hpp"
#include "orchestrator/report/terminal_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

namespace faultline::cli {
namespace {

constexpr std::size_t default_rows = 20;  // what fits a screen

struct Options {
  std::size_t limit = default_rows;
  bool json = false;
};

void print_table(const std::vector<store::HistoryRow>& rows) {
  std::vector<std::vector<std::string>> lines{
      {"STARTED", "VERDICT", "EXPERIMENT", "PROFILE", "RUN", "REASON"}};
  for (const auto& row : rows) {
    lines.push_back({row.started, row.verdict, row.experiment, row.profile, row.id, row.reason});
    std::ranges::transform(lines.back(), lines.back().begin(),
                           [](const auto& cell) { return report::printable(cell); });
  }
  fmt::print("{}", aligned(lines));
}

void print_json(const std::vector<store::HistoryRow>& rows) {
  for (const auto& r : rows) {
    const nlohmann::json line = {{"id", r.id},           {"experiment", r.experiment},
                                 {"profile", r.profile}, {"environment", r.environment},
                                 {"verdict", r.verdict}, {"reason", r.reason},
                                 {"started", r.started}, {"finished", r.finished}};
    std::cout << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  }
}

int history(const Context& context, const Options& options) {
  const auto file = context.home / "history.db";
  std::vector<store::HistoryRow> rows;
  if (std::filesystem::exists(file)) {  // looking must not create it
    const auto opened = store::History::open(file);
    if (!opened) {
      return report(opened.error());
    }
    auto listed = (*opened)->list(options.limit);
    if (!listed) {
      return report(listed.error());
    }
    rows = std::move(*listed);
  }
  if (options.json) {
    print_json(rows);
  } else if (rows.empty()) {
    fmt::print("no runs yet in {}\n", file.string());
  } else {
    print_table(rows);
  }
  return 0;
}

}  // namespace

void add_history(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("history", "the runs of this home, newest first");
  command->add_option("--limit", options->limit, "at most so many")->capture_default_str();
  command->add_flag("--json", options->json, "JSON Lines, one object a run");
  command->callback([options, &context] {
    context.action = [options, &context] { return history(context, *options); };
  });
}

}  // namespace faultline::cli
