#pragma once

#include "orchestrator/slo/openslo.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

/// The documents of tests/slo/openslo, and changes to them.
namespace faultline::slo {

inline const std::vector<std::string> document_names{"ratio", "referenced", "threshold", "raw",
                                                     "timeslices"};

inline std::string text_of(const std::string& name) {
  std::ifstream in(std::string(FAULTLINE_SOURCE_DIR) + "/tests/slo/openslo/" + name + ".yaml");
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

/// The first `from` of the text, replaced.
inline std::string edited(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return at == text.npos ? text : text.replace(at, from.size(), to);
}

inline std::string refusal(const std::string& text) {
  const auto read = read_openslo(text, "f.yaml");
  if (read) {
    return "nothing was refused";
  }
  EXPECT_EQ(read.error().kind, ErrorKind::usage);
  return read.error().message;
}

}  // namespace faultline::slo
