#include "orchestrator/cli/stop_file.hpp"

#include "targets/text.hpp"

#include <fmt/format.h>

#include <fstream>

namespace faultline::cli {
namespace {

constexpr std::size_t max_reason_bytes = 200;  // one line of a terminal, or two

std::string first_line(const std::filesystem::path& file) {
  std::string line(max_reason_bytes, '\0');
  std::ifstream in(file, std::ios::binary);
  in.read(line.data(), max_reason_bytes);
  line.resize(static_cast<std::size_t>(in.gcount()));
  return line.substr(0, line.find('\n'));
}

}  // namespace

std::string stop_file(const std::filesystem::path& home) {
  const auto file = home / "STOP";
  std::error_code error;
  (void)std::filesystem::symlink_status(file, error);
  if (error == std::errc::no_such_file_or_directory) {
    return {};
  }
  if (error) {
    return fmt::format(
        "stopped, because nobody can tell whether there is a {}: {}; make {} a folder that can be "
        "looked into, or set FAULTLINE_HOME to one",
        file.string(), error.message(), home.string());
  }
  const auto reason = std::filesystem::is_regular_file(file, error) ? first_line(file) : "";
  return fmt::format("stopped by {} ({}); to allow runs again: rm {}", file.string(),
                     reason.empty() ? "it gives no reason" : reason, file.string());
}

}  // namespace faultline::cli
