#include "orchestrator/cli/lab.hpp"
#include "targets/lab/launch.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <thread>

namespace faultline::cli {
namespace {

namespace fs = std::filesystem;

constexpr auto look_interval = std::chrono::milliseconds(200);  // as people read

/// The names of all logs that there are, "a-redis" for a-redis.log.
std::vector<std::string> log_names(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(folder, missing)) {
    if (entry.path().extension() == ".log") {
      names.push_back(entry.path().stem().string());
    }
  }
  std::ranges::sort(names);
  return names;
}

/// A log of that name, and those of the processes at a host of that name.
std::vector<std::string> chosen(const std::vector<std::string>& names, const std::string& name) {
  const auto topology = lab::make_topology(lab::profile("hardened").value());  // has every host
  std::vector<std::string> found;
  std::ranges::copy_if(names, std::back_inserter(found), [&](const std::string& log) {
    const auto* process = topology.process(log);
    return log == name || (process != nullptr && process->host == name);
  });
  return found;
}

/// Prints what was added to each log since the last look, under its name when there are several.
class Printer {
 public:
  Printer(const fs::path& folder, std::vector<std::string> names) : names_(std::move(names)) {
    for (const auto& name : names_) {
      files_.emplace_back(folder / (name + ".log"));
    }
  }

  void print_new() {
    for (std::size_t i = 0; i < files_.size(); ++i) {
      std::array<char, 16 * 1024> block{};
      files_[i].clear();  // the end that was met is not the end any more
      while (files_[i].read(block.data(), block.size()), files_[i].gcount() > 0) {
        if (names_.size() > 1 && last_ != i) {
          fmt::print("==> {} <==\n", names_[i]);
        }
        last_ = i;
        std::fwrite(block.data(), 1, static_cast<std::size_t>(files_[i].gcount()), stdout);
      }
    }
    std::fflush(stdout);
  }

 private:
  std::vector<std::string> names_;
  std::vector<std::ifstream> files_;
  std::size_t last_ = SIZE_MAX;
};

}  // namespace

int lab_logs(const Context& context, const std::string& name, bool follow) {
  const fs::path folder = lab::log_folder(context.home);
  const auto names = log_names(folder);
  if (names.empty()) {
    return report(lab::no_lab(context.home));
  }
  const auto wanted = chosen(names, name);
  if (wanted.empty()) {
    return report(Error{ErrorKind::usage, fmt::format("there is no log of '{}' in {}{}", name,
                                                      folder.string(), suggestion(name, names))});
  }
  Printer printer(folder, wanted);
  printer.print_new();
  while (follow && std::ferror(stdout) == 0) {
    std::this_thread::sleep_for(look_interval);
    printer.print_new();
  }
  return 0;
}

}  // namespace faultline::cli
