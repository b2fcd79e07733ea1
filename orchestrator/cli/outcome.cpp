#include "orchestrator/cli/outcome.hpp"

#include "orchestrator/report/html.hpp"
#include "orchestrator/store/history.hpp"
#include "targets/say.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <unistd.h>

namespace faultline::cli {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

/// Text from outside, such as a log line in an error, need not be UTF-8.
std::string text_of(const json& record, int indent = -1) {
  return record.dump(indent, ' ', false, json::error_handler_t::replace);
}

Result<> write_file(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) {
    return Error{ErrorKind::io, fmt::format("{} cannot be written", file.string())};
  }
  return {};
}

/// A device or a pipe, such as /dev/stdout, is written as it is; a file is replaced.
bool is_replaced(const fs::path& file) {
  std::error_code ignored;
  const auto status = fs::status(file, ignored);
  return !fs::exists(status) || fs::is_regular_file(status);
}

/// Where a file is put together.
fs::path beside(const fs::path& file) {
  return file.parent_path() / fmt::format(".{}.{}", file.filename().string(), ::getpid());
}

/// What a link leads to, also when that does not exist: the link stays one.
fs::path resolved(fs::path file) {
  constexpr int most_links = 8;
  std::error_code error;
  for (int i = 0; i < most_links && fs::is_symlink(file, error); ++i) {
    file = file.parent_path() / fs::read_symlink(file, error);
  }
  return file;
}

Result<> write_whole(const fs::path& name, const std::string& text) {
  if (!is_replaced(name)) {
    return write_file(name, text);
  }
  const auto file = resolved(name);
  const auto parts = beside(file);
  std::error_code error;
  auto written = write_file(parts, text);
  if (written) {
    fs::rename(parts, file, error);
  }
  if (written && !error) {
    return {};
  }
  std::error_code ignored;
  fs::remove(parts, ignored);
  return written ? Result<>(Error{ErrorKind::io, fmt::format("{} cannot be written: {}",
                                                             name.string(), error.message())})
                 : written;
}

/// Whether `write_whole` could.
bool is_writable(const fs::path& name) {
  const auto file = resolved(name);
  std::error_code ignored;
  if ((fs::exists(file, ignored) || !is_replaced(file)) && !std::ofstream(file, std::ios::app)) {
    return false;
  }
  if (!is_replaced(file)) {
    return true;
  }
  const bool can = std::ofstream(beside(file)).good();
  fs::remove(beside(file), ignored);
  return can;
}

std::vector<std::string> files_of(const Outputs& outputs) {
  std::vector<std::string> files;
  for (const auto& file : {outputs.json, outputs.html}) {
    if (!file.empty() && file != "-") {
      files.push_back(file);
    }
  }
  return files;
}

void warn(const std::string& message) {
  say(stderr, "faultline: {}\n", message);
}

Result<> add_to_history(const Context& context, const json& record) {
  const auto history = store::History::open(context.home / "history.db");
  return history ? (*history)->add(record) : Result<>(history.error());
}

/// A pass whose evidence is not kept is none, and its record says so wherever it says anything.
/// False: it was no pass.
bool take_back(engine::RunResult& result, const Error& why) {
  warn("the evidence of this run was not kept: " + why.message);
  if (result.exit_code != 0) {
    return false;
  }
  const json said = {{"verdict", engine::to_string(engine::Verdict::inconclusive)},
                     {"reason", "its evidence was not kept: " + why.message}};
  result.exit_code = 3;
  result.record["exit_code"] = 3;
  result.record.update(said);
  if (const auto events = result.record.find("events"); events != result.record.end()) {
    for (auto& event : *events) {
      if (event.value("name", "") == "run_finished") {
        event.update(said);
      }
    }
  }
  return true;
}

}  // namespace

void note_begun(const Context& context, const json& record) {
  if (const auto added = add_to_history(context, record); !added) {
    warn("the history does not have this run yet: " + added.error().message);
  }
}

json not_run(const engine::Experiment& experiment, const engine::Environment& environment,
             const std::string& profile, const std::string& why) {
  json record = {{"schema", "faultline.run/1"},
                 {"id", nullptr},
                 {"experiment", experiment.name},
                 {"title", experiment.title},
                 {"hypothesis", experiment.hypothesis},
                 {"owner", experiment.owner},
                 {"tags", experiment.tags},
                 {"runbook", experiment.runbook},
                 {"params", experiment.params},
                 {"environment", environment.name},
                 {"profile", profile},
                 {"script_sha256", experiment.sha256},
                 {"verdict", engine::to_string(engine::Verdict::inconclusive)},
                 {"reason", "not run: " + why},
                 {"exit_code", 3},
                 {"started", nullptr},
                 {"finished", nullptr}};
  for (const auto* list :
       {"phases", "faults", "objectives", "recovery", "probes", "stop_conditions", "events"}) {
    record[list] = json::array();
  }
  return record;
}

int keep(const Context& context, engine::RunResult& result, targets::Target& target) {
  const auto folder = context.home / "runs" / result.record.at("id").get<std::string>();
  const auto file = folder / "record.json";
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  // A pass is in the history only when its record is on the disk, and stays there only then.
  if (const auto written = write_whole(file, text_of(result.record, 2)); !written) {
    take_back(result, written.error());
  }
  if (const auto added = add_to_history(context, result.record); !added) {
    if (take_back(result, added.error()) && !write_whole(file, text_of(result.record, 2))) {
      fs::remove(file, ignored);  // which works on a full disk too
    }
  }
  if (result.exit_code != 0) {
    if (const auto saved = target.save_logs((folder / "logs").string()); !saved) {
      warn("the components' logs were not saved: " + saved.error().message);
    }
  }
  return result.exit_code;
}

Result<> check_outputs(const Outputs& outputs) {
  for (const auto& file : files_of(outputs)) {
    if (!is_writable(file)) {
      return Error{ErrorKind::usage, fmt::format("{} cannot be written", file)};
    }
  }
  return {};
}

void clear_outputs(const Outputs& outputs) {
  for (const auto& file : files_of(outputs)) {
    std::error_code ignored;
    if (is_replaced(file)) {
      fs::remove(resolved(file), ignored);
    }
  }
}

Result<> write_outputs(const Outputs& outputs, const std::vector<nlohmann::json>& records) {
  if (!outputs.json.empty() && !records.empty()) {
    std::string text;
    for (const auto& record : records) {
      text += text_of(record, records.size() == 1 && outputs.json != "-" ? 2 : -1);
      text += '\n';
    }
    if (outputs.json == "-") {
      std::cout << text << std::flush;
    } else if (auto written = write_whole(outputs.json, text); !written) {
      return written;
    }
  }
  return outputs.html.empty() ? Result<>() : write_whole(outputs.html, report::html_page(records));
}

int worst(int a, int b) {
  static constexpr std::array order{5, 130, 143, 2, 4, 1, 3, 0};
  const auto rank = [](int code) { return std::ranges::find(order, code) - order.begin(); };
  return rank(a) <= rank(b) ? a : b;
}

}  // namespace faultline::cli
