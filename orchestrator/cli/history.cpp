#include "orchestrator/store/history.hpp"

#include "orchestrator/cli/commands.hpp"
#include "orchestrator/report/terminal_text.hpp"

#include <fmt/format.h>

#include <iostream>

namespace faultline::cli {
namespace {

constexpr std::size_t default_rows = 20;  // what fits a screen

struct Options {
  std::size_t limit = default_rows;
  bool json = false;
};

void print_table(const std::vector<store::HistoryRow>& rows) {
  using report::cells;
  using report::pad;
  using report::printable;
  std::size_t id = 2;
  std::size_t experiment = 10;
  for (const auto& row : rows) {
    id = std::max(id, cells(row.id));
    experiment = std::max(experiment, cells(row.experiment));
  }
  const auto line = [&](const store::HistoryRow& row) {
    fmt::print("{}  {}  {}  {}  {}  {}\n", pad(row.started, 24), pad(row.verdict, 12),
               pad(printable(row.experiment), experiment), pad(printable(row.profile), 10),
               pad(row.id, id), printable(row.reason));
  };
  line({"RUN", "EXPERIMENT", "", "PROFILE", "VERDICT", "REASON", "STARTED", ""});
  for (const auto& row : rows) {
    line(row);
  }
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
