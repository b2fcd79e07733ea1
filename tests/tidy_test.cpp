#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

/// House rules that a reader would otherwise have to police by eye: direction of includes, lengths,
/// banned calls, and that everything in a catalogue is tested and documented.
namespace faultline {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_file_lines = 400;
constexpr std::size_t max_function_lines = 70;
constexpr std::size_t max_columns = 100;

struct Source {
  std::string path;  ///< from the top folder
  std::string text;
};

std::string read(const fs::path& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

const std::vector<Source>& sources() {
  static const auto all = [] {
    std::vector<Source> found;
    const fs::path top = FAULTLINE_SOURCE_DIR;
    for (const auto* folder : {"orchestrator", "faults", "targets", "tests"}) {
      for (const auto& entry : fs::recursive_directory_iterator(top / folder)) {
        const auto extension = entry.path().extension();
        if (extension == ".cpp" || extension == ".hpp") {
          found.push_back({fs::relative(entry.path(), top).string(), read(entry.path())});
        }
      }
    }
    return found;
  }();
  return all;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::stringstream in(text);
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line);
  }
  return lines;
}

std::size_t columns(const std::string& line) {  // UTF-8 continuation bytes take no column
  return static_cast<std::size_t>(
      std::ranges::count_if(line, [](char c) { return (c & 0xC0) != 0x80; }));
}

/// The code alone: comments, strings and character literals become spaces, newlines stay.
std::string code_of(const std::string& text) {
  static const std::regex noise(
      R"re(R"(\w*)\([^]*?\)\1"|//[^\n]*|/\*[^]*?\*/|"(\\.|[^"\\\n])*"|'(\\.|[^'\\\n])+')re");
  std::string code;
  auto from = text.cbegin();
  for (std::sregex_iterator it(text.begin(), text.end(), noise), end; it != end; ++it) {
    code.append(from, text.cbegin() + it->position());
    for (const char c : it->str()) {
      code += c == '\n' ? '\n' : ' ';
    }
    from = text.cbegin() + it->position() + it->length();
  }
  return code.append(from, text.cend());
}

struct Function {
  std::size_t line = 0, lines = 0;
};

/// Blocks directly inside namespaces and types are functions (or tables, which are short).
std::vector<Function> functions_of(const std::string& text) {
  enum class Kind { space, type, body };
  struct Block {
    Kind kind;
    std::size_t line;
  };
  static const std::regex space(R"(\bnamespace\b[^;{}()]*$|extern\s+" *"\s*$)");
  static const std::regex type(R"(\b(class|struct|union|enum)\b[^;{}()=]*$)");
  const std::string code = code_of(text);
  std::vector<Block> open;
  std::vector<Function> found;
  std::size_t line = 1, statement = 0;
  for (std::size_t i = 0; i < code.size(); ++i) {
    const char c = code[i];
    line += c == '\n' ? 1 : 0;
    if (c == ';') {
      statement = i + 1;
    } else if (c == '{') {
      const auto head = code.substr(statement, i - statement);
      const Kind kind = std::regex_search(head, space)  ? Kind::space
                        : std::regex_search(head, type) ? Kind::type
                                                        : Kind::body;
      open.push_back({kind, line});
      statement = i + 1;
    } else if (c == '}' && !open.empty()) {
      const auto block = open.back();
      open.pop_back();
      const bool outermost =
          std::ranges::none_of(open, [](const Block& b) { return b.kind == Kind::body; });
      if (block.kind == Kind::body && outermost) {
        found.push_back({block.line, line - block.line + 1});
      }
      statement = i + 1;
    }
  }
  return found;
}

/// Layers, from the bottom; a file may include its own folder and those that are listed for it.
const std::map<std::string, std::set<std::string>>& layers() {
  static const std::map<std::string, std::set<std::string>> may_include{
      {"targets", {}},
      {"targets/net", {"targets"}},
      {"targets/sql", {"targets", "targets/net"}},
      {"targets/http", {"targets", "targets/net"}},
      {"targets/web", {"targets"}},
      {"targets/prometheus", {"targets", "targets/web"}},
      {"targets/lab", {"targets", "targets/net"}},
      {"targets/lab/services", {"targets", "targets/net", "targets/sql", "targets/http"}},
      {"targets/lab/database", {"targets", "targets/net", "targets/sql", "targets/http"}},
      {"targets/lab/wire", {"targets", "targets/net"}},
      {"faults", {"targets"}},
      {"orchestrator/slo", {"targets"}},
      {"orchestrator/store", {"targets", "targets/net"}},
      {"orchestrator/load", {"targets", "targets/net", "targets/sql", "orchestrator/slo"}},
      {"orchestrator/engine",
       {"targets", "targets/prometheus", "faults", "orchestrator/slo", "orchestrator/store"}},
      {"orchestrator/guard",
       {"targets", "targets/net", "faults", "orchestrator/store", "orchestrator/engine"}},
      {"orchestrator/script",
       {"targets", "targets/prometheus", "targets/web", "faults", "orchestrator/slo",
        "orchestrator/engine"}},
      {"orchestrator/report", {"targets"}},
  };
  return may_include;
}

TEST(Tidy, IncludesGoDownwardsOnly) {
  static const std::regex include(
      R"re(#include "((orchestrator|faults|targets|dashboard)/[^"]+)")re");
  for (const auto& source : sources()) {
    const auto folder = fs::path(source.path).parent_path().string();
    const auto layer = layers().find(folder);
    // The list of targets, and the one program that holds every part of the lab that is ours.
    const bool builds_it_all =
        source.path == "targets/catalog.cpp" || source.path == "targets/lab/services/main.cpp";
    if (layer == layers().end() || builds_it_all) {
      continue;  // orchestrator/main.cpp, the command line and tests may use everything
    }
    for (std::sregex_iterator it(source.text.begin(), source.text.end(), include), end; it != end;
         ++it) {
      const auto used = fs::path((*it)[1].str()).parent_path().string();
      EXPECT_TRUE(used == folder || layer->second.contains(used))
          << source.path << " includes " << (*it)[1] << ", which is not below it";
    }
  }
}

TEST(Tidy, EveryFolderOfCodeHasItsPlaceInTheLayers) {
  for (const auto& source : sources()) {
    const auto folder = fs::path(source.path).parent_path().string();
    const bool known = layers().contains(folder) || folder == "orchestrator" ||
                       folder == "orchestrator/cli" || folder.starts_with("tests");
    EXPECT_TRUE(known) << source.path << ": add " << folder
                       << " to layers() in tests/tidy_test.cpp";
  }
}

TEST(Tidy, FilesAndLinesAreShort) {
  for (const auto& source : sources()) {
    const auto lines = lines_of(source.text);
    EXPECT_LE(lines.size(), max_file_lines) << source.path << " wants to be two files";
    for (std::size_t i = 0; i < lines.size(); ++i) {
      EXPECT_LE(columns(lines[i]), max_columns) << source.path << ":" << i + 1;
    }
  }
}

TEST(Tidy, FunctionsFitAScreen) {
  std::size_t seen = 0;
  for (const auto& source : sources()) {
    for (const auto& function : functions_of(source.text)) {
      EXPECT_LE(function.lines, max_function_lines) << source.path << ":" << function.line;
      ++seen;
    }
  }
  EXPECT_GT(seen, 500u) << "the check no longer finds functions";
}

TEST(Tidy, NoBannedCalls) {
  static const std::vector<std::pair<std::regex, std::string>> banned{
      {std::regex(R"(\b(system|popen)\s*\()"), "starts a shell"},
      {std::regex(R"(\b(strcpy|strcat|sprintf|gets)\s*\()"), "knows no length"},
      {std::regex(R"(\b(gethostbyname|getaddrinfo)\s*\()"),
       "looks names up; a lab has no resolver"},
      {std::regex(R"(\.detach\(\))"), "a thread that nobody joins"},
      {std::regex(R"(\bco_(await|yield|return)\b)"), "GCC 12 miscompiles coroutines"},
      {std::regex(R"(\bcatch \(\.\.\.\))"), "catches Lua's own errors and fibers' unwinding"},
  };
  for (const auto& source : sources()) {
    const auto code = code_of(source.text);
    for (const auto& [call, why] : banned) {
      std::smatch found;
      EXPECT_FALSE(std::regex_search(code, found, call))
          << source.path << ": " << found.str() << " " << why;
    }
  }
}

std::vector<std::string> all_matches(const std::string& file, const std::regex& pattern) {
  const auto text = read(fs::path(FAULTLINE_SOURCE_DIR) / file);
  std::vector<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) {
    found.push_back((*it)[1]);
  }
  return found;
}

bool mentioned(const std::string& folder, const std::string& word) {
  return std::ranges::any_of(sources(), [&](const Source& s) {
    return s.path.starts_with(folder) && s.text.find(word) != std::string::npos;
  });
}

bool in_a_runbook(const std::string& word) {
  for (const auto& page : fs::directory_iterator(fs::path(FAULTLINE_SOURCE_DIR) / "runbooks")) {
    if (read(page.path()).find(word) != std::string::npos) {
      return true;
    }
  }
  return false;
}

TEST(Tidy, EveryFaultHasATestARunbookAndAPlaceInTheReadme) {
  const auto readme = read(fs::path(FAULTLINE_SOURCE_DIR) / "README.md");
  const auto faults = all_matches("faults/catalog.cpp", std::regex(R"(\n\s+(\w+)\(\),)"));
  EXPECT_GE(faults.size(), 2u);
  for (const auto& fault : faults) {
    EXPECT_TRUE(mentioned("tests/faults", fault)) << fault << " has no test in tests/faults";
    EXPECT_NE(readme.find(fault), std::string::npos) << fault << " is not in README.md";
    EXPECT_TRUE(in_a_runbook("`" + fault + "`")) << fault << " is in no page of runbooks/";
  }
}

TEST(Tidy, EveryDrillAndScenarioHasItsRunbook) {
  const fs::path top = FAULTLINE_SOURCE_DIR;
  for (const auto* folder : {"scripts/lua/drills", "scripts/lua/scenarios"}) {
    for (const auto& entry : fs::directory_iterator(top / folder)) {
      const auto name = entry.path().stem().string();
      const auto page = read(top / "runbooks" / (name + ".md"));
      for (const auto* section :
           {"## Purpose", "## Preconditions", "## Run it", "## Stop it",
            "## Recovery by hand, without Faultline", "## Expected figures"}) {
        EXPECT_NE(page.find(section), std::string::npos)
            << "runbooks/" << name << ".md has no section " << section;
      }
      EXPECT_NE(read(entry.path()).find("runbooks/" + name + ".md"), std::string::npos) << name;
    }
  }
}

TEST(Tidy, EveryCommandIsInTheReadme) {
  const auto readme = read(fs::path(FAULTLINE_SOURCE_DIR) / "README.md");
  const std::set<std::string> internal{"supervise", "worker"};
  const auto commands = all_matches("orchestrator/cli/catalog.cpp", std::regex(R"(\badd_(\w+),)"));
  EXPECT_GE(commands.size(), 10u);
  for (const auto& command : commands) {
    if (!internal.contains(command)) {
      EXPECT_NE(readme.find("faultline " + command), std::string::npos)
          << "README.md does not show `faultline " << command << "`";
    }
  }
}

TEST(Tidy, EveryFolderSaysWhatItIs) {
  std::set<std::string> folders;
  for (const auto& source : sources()) {
    if (!source.path.starts_with("tests")) {
      folders.insert(fs::path(source.path).parent_path().string());
    }
  }
  for (const auto& folder : folders) {
    EXPECT_TRUE(fs::exists(fs::path(FAULTLINE_SOURCE_DIR) / folder / "README.md"))
        << folder << " has no README.md";
  }
}

}  // namespace
}  // namespace faultline
