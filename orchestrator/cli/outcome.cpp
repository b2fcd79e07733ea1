#include "orchestrator/cli/outcome.hpp"

#include "orchestrator/report/html.hpp"
#include "orchestrator/store/history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>

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

void warn(const std::string& message) {
  fmt::print(stderr, "faultline: {}\n", message);
}

}  // namespace

int keep(const Context& context, const engine::RunResult& result, targets::Target& target) {
  const auto folder = context.home / "runs" / result.record.at("id").get<std::string>();
  std::error_code error;
  fs::create_directories(folder, error);
  const auto written = write_file(folder / "record.json", text_of(result.record, 2));
  if (!written) {
    warn(written.error().message);
  }
  if (result.exit_code != 0) {
    if (const auto saved = target.save_logs((folder / "logs").string()); !saved) {
      warn("the components' logs were not saved: " + saved.error().message);
    }
  }
  const auto history = store::History::open(context.home / "history.db");
  const auto added = history ? (*history)->add(result.record) : Result<>(history.error());
  if (!added) {
    warn("the history does not have this run: " + added.error().message);
  }
  if (!written && !added) {
    warn("the evidence of this run is lost, so it is no pass");
    return worst(result.exit_code, 3);
  }
  return result.exit_code;
}

Result<> check_outputs(const Outputs& outputs) {
  for (const auto& file : {outputs.json, outputs.html}) {
    if (file.empty() || file == "-") {
      continue;
    }
    const bool existed = fs::exists(file);
    if (!std::ofstream(file, std::ios::app)) {
      return Error{ErrorKind::usage, fmt::format("{} cannot be written", file)};
    }
    if (!existed) {
      std::error_code ignored;
      fs::remove(file, ignored);
    }
  }
  return {};
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
    } else if (auto written = write_file(outputs.json, text); !written) {
      return written;
    }
  }
  return outputs.html.empty() ? Result<>() : write_file(outputs.html, report::html_page(records));
}

int worst(int a, int b) {
  static constexpr std::array order{5, 130, 143, 2, 4, 1, 3, 0};
  const auto rank = [](int code) { return std::ranges::find(order, code) - order.begin(); };
  return rank(a) <= rank(b) ? a : b;
}

}  // namespace faultline::cli
