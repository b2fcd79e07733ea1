#pragma once

#include <nlohmann/json.hpp>

#include <fstream>
#include <string>
#include <vector>

namespace faultline::report {

/// sample_record.json: a drill that passed on the hardened profile, then one that failed on naive.
inline std::vector<nlohmann::json> sample_records() {
  std::ifstream in(FAULTLINE_SOURCE_DIR "/tests/report/sample_record.json");
  return nlohmann::json::parse(in).get<std::vector<nlohmann::json>>();
}
inline nlohmann::json passed_record() {
  return sample_records().at(0);
}
inline nlohmann::json failed_record() {
  return sample_records().at(1);
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return lines;
}

}  // namespace faultline::report
