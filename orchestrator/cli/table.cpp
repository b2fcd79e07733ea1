#include "orchestrator/cli/table.hpp"

#include <algorithm>

namespace faultline::cli {

std::string aligned(const std::vector<std::vector<std::string>>& rows, std::size_t indent) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line(indent, ' ');
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::string wrapped(const std::string& label, std::string_view text) {
  constexpr std::size_t columns = 100;
  const auto room = columns - std::min(label.size(), columns / 2);
  std::string out = label;
  while (text.size() > room) {
    const auto comma = text.rfind(", ", room - 2), space = text.rfind(' ', room);
    const auto cut = comma != text.npos ? comma + 2 : space != text.npos ? space + 1 : text.size();
    std::string line(text.substr(0, cut));
    line.erase(line.find_last_not_of(' ') + 1);
    text.remove_prefix(cut);
    out += line + (text.empty() ? "" : "\n" + std::string(label.size(), ' '));
  }
  out += text;
  return out + "\n";
}

}  // namespace faultline::cli
